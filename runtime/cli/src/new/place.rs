//! In which folder a new migration goes, and which file declares it.

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::module_file::{self, Declared};
use super::shown;
use crate::failure::Failure;

/// The folder of modules that holds migrations, unless others are there already.
pub(super) const MIGRATIONS: &str = "migrations";

/// Folders in which each file is a program of its own for Cargo.
const OF_PROGRAMS: [&str; 4] = ["src/bin", "examples", "tests", "benches"];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// The file with its `mod` line, which may not be there yet.
    pub(super) module: PathBuf,
    /// The file that declares [`MIGRATIONS`], if that is a part of this.
    pub(super) root: Option<PathBuf>,
}

/// A crate in the source tree.
#[derive(Debug)]
pub(super) struct Crate<'a> {
    pub(super) folder: &'a Path,
    pub(super) manifest: &'a Manifest,
}

impl Crate<'_> {
    /// For the first migration of a source: `src/migrations/`.
    pub(super) fn first(&self) -> Result<Place, Failure> {
        let usual = ["src/lib.rs", "src/main.rs"].map(|file| self.folder.join(file));
        match usual.iter().chain(&self.manifest.roots).find(|file| file.is_file()) {
            Some(root) => Ok(self.below_root(root)),
            None => Err(Failure::usage(format!("there is no src/lib.rs and no src/main.rs in {}", shown(self.folder)))
                .help("call it in the folder of the crate whose migration it is to be")),
        }
    }

    /// For one that follows the one in this file. `others` are the files of all migrations.
    ///
    /// A file of many migrations gets a folder for those to come; a file in a folder of such files gets a neighbour.
    pub(super) fn after(&self, file: &Path, others: &[PathBuf]) -> Result<Place, Failure> {
        if self.is_root(file) {
            return Ok(self.below_root(file));
        }
        let (Some(folder), Some(stem)) = (file.parent(), file.file_stem()) else {
            return Ok(self.below_root(file));
        };
        if stem == "mod" {
            return Ok(Place { folder: folder.to_owned(), module: file.to_owned(), root: None });
        }
        if let Some(module) = declaring(folder, &stem.to_string_lossy())? {
            let has_neighbours = || others.iter().any(|other| other != file && other.parent() == Some(folder));
            let is_one_of_many = is_numbered(stem)
                || folder.file_name().is_some_and(|name| name == MIGRATIONS)
                || !self.is_root(&module) && has_neighbours();
            if is_one_of_many {
                return Ok(Place { folder: folder.to_owned(), module, root: None });
            }
        }
        Ok(Place { folder: folder.join(stem), module: file.to_owned(), root: None })
    }

    /// Whether a library or a program begins in this file.
    fn is_root(&self, file: &Path) -> bool {
        let name = file.file_name().unwrap_or_default();
        name == "main.rs"
            || name == "lib.rs"
            || self.is_among_programs(file)
            || self.manifest.roots.iter().any(|it| it == file)
    }

    fn is_among_programs(&self, file: &Path) -> bool {
        OF_PROGRAMS.iter().any(|programs| file.parent() == Some(&self.folder.join(programs)))
    }

    /// A program with its migrations in main.rs keeps them there; those to come get a module of their own, so that the root
    /// stays a list of what the program consists of.
    fn below_root(&self, root: &Path) -> Place {
        let folder = root.with_file_name(MIGRATIONS);
        let inside = folder.join("mod.rs");
        // Cargo would take `src/bin/migrations.rs` for a program.
        let module =
            if inside.is_file() || self.is_among_programs(root) { inside } else { folder.with_extension("rs") };
        Place { folder, module, root: Some(root.to_owned()) }
    }
}

/// The file that declares the module of this name, whose file is in this folder.
fn declaring(folder: &Path, name: &str) -> Result<Option<PathBuf>, Failure> {
    let of_folder = folder.file_name().map(|name| {
        let mut name = name.to_owned();
        name.push(".rs");
        folder.with_file_name(name)
    });
    let inside = ["mod.rs", "main.rs", "lib.rs"].map(|name| folder.join(name));
    for file in of_folder.into_iter().chain(inside).filter(|file| file.is_file()) {
        if declared(&file, name)? == Declared::InAFile {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Whether and how a file declares a module.
pub(super) fn declared(file: &Path, name: &str) -> Result<Declared, Failure> {
    module_file::declared(&read(file)?, name).map_err(|_| not_rust(file))
}

/// The text of a file in the source tree.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| Failure::io(&format!("read {}", shown(file)), &error))
}

pub(super) fn not_rust(file: &Path) -> Failure {
    Failure::usage(format!("{} cannot be read as Rust", shown(file))).help("correct it first: nothing was written")
}

/// `m013_add_roles`, `v1`, `_2026_init`: the name of a file that holds one migration.
fn is_numbered(stem: &OsStr) -> bool {
    let stem = stem.to_string_lossy();
    let number = stem.strip_prefix(|c: char| c == '_' || c.is_ascii_alphabetic());
    number.is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}
