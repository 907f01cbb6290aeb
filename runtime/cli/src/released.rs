//! The lock file of a crate: `migrations.lock` beside its Cargo.toml, with the released migrations. The macro reads it as well,
//! while the crate compiles (lock.rs of `mongrate-macros`).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use mongrate::migration::{Migration, Rank};
use mongrate::plan::Registry;

use super::exit::Exit;
use super::failure::Failure;
use super::source_tree::shown;

const NAME: &str = "migrations.lock";

/// The comment at the top of a new file.
const HEADING: &str = "\
# The released migrations of this crate. While this file is here, an edit of one of them fails the build.
# It belongs into version control, and `migrate lock-file` adds to it. To accept an edit all the same, delete the line of
# that migration and run `migrate lock-file` again.
";

/// The lock file of one crate.
#[derive(Debug)]
pub(super) struct Released {
    path: PathBuf,
    /// The lines of the file, including comments and blank lines.
    lines: Vec<String>,
    exists: bool,
}

/// Differences between a lock file and the code, in the order of the file or the plan.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Not in the file.
    pub(super) unlocked: Vec<Migration>,
    /// In the file with a checksum of an older algorithm, which says nothing about the code.
    pub(super) outdated: Vec<Migration>,
    /// In the file with another checksum.
    pub(super) modified: Vec<String>,
    /// In the file, but not linked in.
    pub(super) removed: Vec<String>,
}

impl Released {
    /// Reads the lock file of the crate in this folder. Without one, nothing is released.
    pub(super) fn of_crate(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(NAME);
        let (text, exists) = match fs::read_to_string(&path) {
            Ok(text) => (text, true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (HEADING.to_owned(), false),
            Err(error) => return Err(Failure::io(&format!("read {}", shown(&path)), &error)),
        };
        let file = Self { lines: text.lines().map(str::to_owned).collect(), path, exists };
        file.checked()
    }

    pub(super) fn exists(&self) -> bool {
        self.exists
    }

    /// The path, relative to the current folder.
    pub(super) fn shown_path(&self) -> String {
        shown(&self.path)
    }

    /// Number of released migrations.
    pub(super) fn len(&self) -> usize {
        self.checksums().len()
    }

    /// Compares the file with the migrations of its crate. Those of other crates count only if they are in the file, because they
    /// may have moved from one crate to another.
    pub(super) fn compare(&self, own: &[Migration], registry: &Registry) -> Differences {
        let linked: BTreeMap<&str, Migration> = registry.iter().map(|migration| (migration.id(), migration)).collect();
        let released = self.checksums();
        let unlocked = own.iter().copied().filter(|migration| !released.contains_key(migration.id()));
        let mut differences = Differences { unlocked: unlocked.collect(), ..Differences::default() };
        for (id, checksum) in released {
            let Some(&migration) = linked.get(id) else {
                differences.removed.push(id.to_owned());
                continue;
            };
            match (algorithm(checksum), algorithm(migration.checksum())) {
                (locked, now) if locked < now => differences.outdated.push(migration),
                (locked, now) if locked == now && checksum != migration.checksum() => {
                    differences.modified.push(id.to_owned());
                }
                _ => {}
            }
        }
        differences
    }

    /// Inserts the line of a migration in plan order, or replaces its old one.
    pub(super) fn lock(&mut self, migration: Migration) {
        let line = format!("{} {}", migration.id(), migration.checksum());
        let id_of = |line: &String| entry(line).map(|(id, _)| id.to_owned());
        let mut old = self.lines.iter_mut().filter(|line| id_of(line).as_deref() == Some(migration.id())).peekable();
        if old.peek().is_some() {
            // A merge may have duplicated the line.
            old.for_each(|old| old.clone_from(&line));
            return;
        }
        let before = |line: &String| entry(line).is_some_and(|(id, _)| Rank::of(id) < migration.rank());
        let index = self.lines.iter().rposition(before).map(|index| index + 1);
        let first = self.lines.iter().position(|line| entry(line).is_some());
        self.lines.insert(index.or(first).unwrap_or(self.lines.len()), line);
    }

    pub(super) fn write(&self) -> Result<(), Failure> {
        fs::write(&self.path, self.text()).map_err(|error| Failure::io(&format!("write {}", self.shown_path()), &error))
    }

    fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Checksums by id.
    fn checksums(&self) -> BTreeMap<&str, &str> {
        self.lines.iter().filter_map(|line| entry(line)).collect()
    }

    /// Fails on what a merge may have left behind.
    fn checked(self) -> Result<Self, Failure> {
        let mut seen: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for (number, line) in (1..).zip(&self.lines) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((id, checksum)) = entry(line) else {
                return Err(self.broken(&format!("line {number} is invalid: `{line}`")));
            };
            match seen.insert(id, (number, checksum)) {
                Some((first, other)) if other != checksum => {
                    return Err(self.broken(&format!("lines {first} and {number} have different checksums of `{id}`")));
                }
                _ => {}
            }
        }
        Ok(self)
    }

    fn broken(&self, message: &str) -> Failure {
        Failure::new(Exit::Failed, "lock-file", format!("{}: {message}", self.shown_path()))
            .help("a line is an id and a checksum. After a merge, keep the lines of both sides; of two lines with the same id, keep the released one")
    }
}

/// Id and checksum, if the line has this form.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (id, checksum) = line.trim_end().split_once(' ').filter(|_| !line.starts_with('#'))?;
    algorithm(checksum).map(|_| (id, checksum))
}

/// The version of the algorithm: 2 of `t2:8fe3...`.
fn algorithm(checksum: &str) -> Option<u32> {
    checksum.strip_prefix('t')?.split_once(':')?.0.parse().ok()
}

/// The finding for a migration with another checksum.
pub(super) fn modified(path: &str) -> String {
    format!(
        "its code differs from the released one ({path} has another checksum); undo the change, or delete its line and run `lock-file` again"
    )
}

/// The finding for a migration that is not linked in.
pub(super) fn removed(path: &str) -> String {
    format!(
        "it is released ({path}), but not linked into this program; link its crate in, or delete its line if it was removed on \
         purpose"
    )
}
