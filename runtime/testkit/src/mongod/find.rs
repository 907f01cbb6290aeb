//! Which mongod to run: a named one, an installed one, or one that is fetched once and kept.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::fetch::{self, PACKAGES, Package};

/// All that the search reads of its surroundings, as a value, so that a test can make up its own.
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
        // A relative path is to be ignored, says the XDG Base Directory specification.
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

    /// The program of this name on the PATH.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        env::split_paths(&self.path).map(|folder| folder.join(name)).find(|file| is_program(file))
    }

    /// What there is to fetch for this system.
    fn package(&self) -> Result<&Package, Error> {
        let package = self.packages.iter().find(|package| package.system == self.system);
        package.ok_or_else(|| Error::Platform { found: self.system.clone() })
    }
}

/// A path that was given in code; checked here so that the message names it.
pub(super) fn named(path: &OsStr, named_by: &'static str) -> Result<PathBuf, Error> {
    let path = PathBuf::from(path);
    // The server runs in another folder than this process.
    match path.canonicalize() {
        Ok(found) if is_program(&found) => Ok(found),
        _ => Err(Error::Binary { path, named_by }),
    }
}

/// `MONGOD`, then the PATH, then the cache, then the network. Blocks while it fetches.
pub(super) fn find(environment: &Environment) -> Result<PathBuf, Error> {
    if let Some(path) = &environment.mongod {
        return named(path, "MONGOD");
    }
    if let Some(installed) = environment.program("mongod") {
        return Ok(installed);
    }
    let cache = environment.cache.as_deref().ok_or(Error::NoCache)?;
    let package = environment.package()?;
    let kept = cache.join(package.kept_as);
    if is_program(&kept) {
        return Ok(kept);
    }
    if !Path::new(package.loader).exists() {
        return Err(Error::Platform { found: format!("{} without {}", environment.system, package.loader) });
    }
    fetch::fetch(environment, package, cache)
}

pub(super) fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
#[path = "find_tests.rs"]
mod tests;
