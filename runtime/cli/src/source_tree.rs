//! Finds the sources of the linked-in migrations, which exist on a developer's machine and in CI, but not in a container. Read-only.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use mongrate::migration::Migration;
use mongrate::plan::Registry;

use super::failure::Failure;
use super::invocation::migrate;

/// The sources of this program and of the other crates of its workspace.
#[derive(Debug)]
pub(super) struct SourceTree {
    /// The crate that Cargo runs, or else the current folder.
    start: PathBuf,
    by_cargo: bool,
    /// The folder that file names in the program are relative to: the root of the workspace. `None` if no file was found.
    root: Option<PathBuf>,
}

impl SourceTree {
    /// Searches upwards from the crate that Cargo runs (`CARGO_MANIFEST_DIR`), or else from the current folder.
    pub(super) fn find() -> Result<Self, Failure> {
        let run_by_cargo = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
        let by_cargo = run_by_cargo.is_some();
        let start = match run_by_cargo {
            Some(folder) => folder,
            None => env::current_dir().map_err(|error| Failure::io("find the current folder", &error))?,
        };
        if !start.ancestors().any(|folder| folder.join(MANIFEST).is_file()) {
            return Err(not_here("no Cargo.toml in this folder or above"));
        }
        Ok(Self::around(start, by_cargo, &Registry::linked()))
    }

    fn around(start: PathBuf, by_cargo: bool, registry: &Registry) -> Self {
        Self { root: root(&start, registry), start, by_cargo }
    }

    /// The folder of the crate that Cargo runs, or else of the one that the current folder is in.
    pub(super) fn own_crate(&self) -> Result<PathBuf, Failure> {
        nearest_crate(&self.start).ok_or_else(|| {
            Failure::usage("cannot tell which crate of this workspace is meant").help(format!(
                "run the command in the folder of the crate, or with `cargo run -p CRATE -- {}`",
                called()
            ))
        })
    }

    /// The file of a migration. `None` if it does not exist here or belongs to a crate outside the workspace, such as one from a
    /// registry or a git repository.
    pub(super) fn file(&self, migration: Migration) -> Option<PathBuf> {
        let (file, _) = migration.location();
        let file = self.root.as_ref()?.join(within(file)?);
        file.is_file().then_some(file)
    }

    /// The folder of a migration's crate, with the same exceptions.
    pub(super) fn crate_of(&self, migration: Migration) -> Option<PathBuf> {
        let file = self.file(migration)?;
        nearest_crate(file.parent()?).filter(|folder| self.root.as_ref().is_some_and(|root| folder.starts_with(root)))
    }

    /// The migrations of each crate that has any, and of the crate that Cargo runs, even if it has none.
    pub(super) fn by_crate(&self, registry: &Registry) -> BTreeMap<PathBuf, Vec<Migration>> {
        let own = self.by_cargo.then(|| nearest_crate(&self.start)).flatten();
        let mut crates: BTreeMap<PathBuf, Vec<Migration>> = own.map(|own| (own, Vec::new())).into_iter().collect();
        for migration in registry {
            if let Some(folder) = self.crate_of(migration) {
                crates.entry(folder).or_default().push(migration);
            }
        }
        crates
    }
}

const MANIFEST: &str = "Cargo.toml";

/// The folder that contains the files of most migrations. Another project may have files of the same names, so a file counts only
/// if it contains the id of one of its migrations.
fn root(start: &Path, registry: &Registry) -> Option<PathBuf> {
    let mut ids_in: BTreeMap<&Path, Vec<&str>> = BTreeMap::new();
    for migration in registry {
        let (file, _) = migration.location();
        let plain_id = migration.id().rsplit(':').next().unwrap_or_default();
        if let Some(file) = within(file) {
            ids_in.entry(file).or_default().push(plain_id);
        }
    }
    let found = start.ancestors().map(|folder| {
        let holds = |(file, ids): &(&&Path, &Vec<&str>)| {
            fs::read_to_string(folder.join(file)).is_ok_and(|text| ids.iter().any(|id| text.contains(id)))
        };
        (ids_in.iter().filter(holds).count(), folder)
    });
    // Of the folders with the most files, the nearest.
    let (_, folder) = found.filter(|(files, _)| *files > 0).min_by_key(|(files, _)| Reverse(*files))?;
    Some(folder.to_owned())
}

/// A relative path as rustc writes it: relative to the root of the workspace, or absolute for a crate from elsewhere.
fn within(file: &str) -> Option<&Path> {
    Some(Path::new(file)).filter(|path| path.is_relative())
}

/// The nearest folder, from this one upwards, whose Cargo.toml has a package and not only a workspace.
fn nearest_crate(folder: &Path) -> Option<PathBuf> {
    let is_package = |line: &str| line.replace(' ', "").starts_with("[package]");
    let mut folders = folder.ancestors();
    folders
        .find(|folder| fs::read_to_string(folder.join(MANIFEST)).is_ok_and(|text| text.lines().any(is_package)))
        .map(Path::to_owned)
}

/// The error if there are no sources.
fn not_here(why: &str) -> Failure {
    Failure::usage(format!("cannot find the sources of this program: {why}"))
        .help(format!("run the command in the source tree, for example with `cargo run -- {}`", called()))
}

/// The error if there are sources, but of another program.
pub(super) fn nothing_found() -> Failure {
    not_here("none of its migrations is defined there")
}

/// The words after the name of this program, for an example.
pub(super) fn called() -> String {
    migrate().split_once(' ').map_or_else(String::new, |(_, words)| format!("{words} ..."))
}

/// A path for people: from the current folder if it is beneath.
pub(super) fn shown(path: &Path) -> String {
    let here = env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    if relative.as_os_str().is_empty() { "this folder".to_owned() } else { relative.display().to_string() }
}
