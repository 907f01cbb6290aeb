//! What is released: `migrations.lock` beside the Cargo.toml of a crate. The macro reads it too, while that crate compiles
//! (lock.rs of `mongrate-macros`).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::exit::Exit;
use super::failure::Failure;
use super::source_tree::shown;
use mongrate::migration::{Migration, Rank};
use mongrate::plan::Registry;

const NAME: &str = "migrations.lock";

/// What a new file begins with.
const HEADING: &str = "\
# The released migrations of this crate. While this file is here, an edit of one of them fails the build.
# It belongs into version control, and `migrate lock-file` adds to it. To accept an edit all the same, delete the line of
# that migration and run `migrate lock-file` again.
";

/// The lock file of one crate.
#[derive(Debug)]
pub(super) struct Released {
    path: PathBuf,
    /// As they are in the file, remarks and blank lines among them.
    lines: Vec<String>,
    exists: bool,
}

/// How a lock file and the code differ. All in the order of the file, or of the plan.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Not in the file.
    pub(super) unlocked: Vec<Migration>,
    /// In the file with the checksum of an algorithm that is not in use any more, which says nothing about the code.
    pub(super) outdated: Vec<Migration>,
    /// In the file with another checksum.
    pub(super) modified: Vec<String>,
    /// In the file and not linked in.
    pub(super) removed: Vec<String>,
}

impl Released {
    /// That of the crate in this folder. Nothing is released if there is none.
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

    /// Where it is, as seen from the current folder.
    pub(super) fn place(&self) -> String {
        shown(&self.path)
    }

    /// How many migrations are released.
    pub(super) fn len(&self) -> usize {
        self.checksums().len()
    }

    /// Compares it with the migrations of its crate; with those of others only where they are in it, because they may have
    /// moved from one crate to another.
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

    /// Adds the line of a migration behind those that come before it, or puts it in the place of its old one.
    pub(super) fn lock(&mut self, migration: Migration) {
        let line = format!("{} {}", migration.id(), migration.checksum());
        let id_of = |line: &String| entry(line).map(|(id, _)| id.to_owned());
        let mut old = self.lines.iter_mut().filter(|line| id_of(line).as_deref() == Some(migration.id())).peekable();
        if old.peek().is_some() {
            // A merge may have left it twice.
            old.for_each(|old| old.clone_from(&line));
            return;
        }
        let before = |line: &String| entry(line).is_some_and(|(id, _)| Rank::of(id) < migration.rank());
        let place = self.lines.iter().rposition(before).map(|place| place + 1);
        let first = self.lines.iter().position(|line| entry(line).is_some());
        self.lines.insert(place.or(first).unwrap_or(self.lines.len()), line);
    }

    pub(super) fn write(&self) -> Result<(), Failure> {
        fs::write(&self.path, self.text()).map_err(|error| Failure::io(&format!("write {}", self.place()), &error))
    }

    fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// By id.
    fn checksums(&self) -> BTreeMap<&str, &str> {
        self.lines.iter().filter_map(|line| entry(line)).collect()
    }

    /// Refuses what a merge may have left in it.
    fn checked(self) -> Result<Self, Failure> {
        let mut seen: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for (number, line) in (1..).zip(&self.lines) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((id, checksum)) = entry(line) else {
                return Err(self.broken(&format!("line {number} is not understood: `{line}`")));
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
        Failure::new(Exit::Failed, "lock-file", format!("{}: {message}", self.place()))
            .help("a line is an id and a checksum; after a merge, keep the lines of both sides, and of two with one id that of what was released")
    }
}

/// Id and checksum, if the line is of that shape.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (id, checksum) = line.trim_end().split_once(' ').filter(|_| !line.starts_with('#'))?;
    algorithm(checksum).map(|_| (id, checksum))
}

/// The version of the algorithm: 2 of `t2:8fe3...`.
fn algorithm(checksum: &str) -> Option<u32> {
    checksum.strip_prefix('t')?.split_once(':')?.0.parse().ok()
}

/// What is to be said of one whose checksum is another one.
pub(super) fn modified(place: &str) -> String {
    format!(
        "its code is not what was released: {place} has another checksum; undo the change, or delete that line and lock it again"
    )
}

/// What is to be said of one that is not linked in.
pub(super) fn removed(place: &str) -> String {
    format!(
        "it is released ({place}), but not linked into this program: link its crate in, or delete that line if it was removed on \
         purpose"
    )
}
