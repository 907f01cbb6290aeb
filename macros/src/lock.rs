//! The list of released migrations: `migrations.lock` beside a crate's Cargo.toml, with one id and checksum per line.
//!
//! Every expansion reads the whole file; nothing is cached between expansions.

use std::io::ErrorKind;
use std::path::Path;
use std::{env, fs};

/// The name of the file.
pub(crate) const NAME: &str = "migrations.lock";

/// The prefix of checksums made by pre-releases of Mongrate, which depended on formatting.
const PRE_RELEASE: &str = "t1:";

/// The lock file of a crate.
#[derive(Debug)]
pub(crate) enum Lock {
    /// There is no lock file, so nothing is checked.
    Missing,
    /// Its text.
    Text(String),
    /// The file cannot be read, for this reason.
    Unreadable(String),
}

impl Lock {
    /// Reads the lock file of the crate being compiled.
    pub(crate) fn of_this_crate() -> Self {
        let Some(folder) = env::var_os("CARGO_MANIFEST_DIR") else { return Self::Missing };
        match fs::read_to_string(Path::new(&folder).join(NAME)) {
            Ok(text) => Self::Text(text),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::Missing,
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Accepts a migration that is not released, or that has not changed since. Otherwise returns the error message.
    pub(crate) fn admits(&self, id: &str, checksum: &str) -> Result<(), String> {
        let text = match self {
            Self::Missing => return Ok(()),
            Self::Text(text) => text,
            Self::Unreadable(error) => return Err(format!("{NAME} cannot be read: {error}")),
        };
        match released(text, id)? {
            Some((line, locked)) if locked.starts_with(PRE_RELEASE) => Err(outdated(id, line)),
            Some((line, locked)) if differs(locked, checksum) => Err(edited(id, line, locked)),
            _ => Ok(()),
        }
    }
}

/// Returns the line number and the checksum of this id. Reads the whole file even after a match, so that a leftover merge
/// conflict cannot hide a line.
fn released<'t>(text: &'t str, id: &str) -> Result<Option<(usize, &'t str)>, String> {
    let mut found = None;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let Some((locked_id, locked)) = line.split_once(' ').filter(|(_, checksum)| is_like_a_checksum(checksum))
        else {
            return Err(malformed(number, line));
        };
        if locked_id != id {
            continue;
        }
        let locked = locked.trim_end();
        match found {
            Some((first, other)) if other != locked => return Err(contradiction(id, first, number)),
            _ => found = Some((number, locked)),
        }
    }
    Ok(found)
}

/// Only distinguishes a checksum from a merge marker: every migration checks every line.
fn is_like_a_checksum(text: &str) -> bool {
    text.starts_with('t') && text.contains(':')
}

/// Checksums of different algorithms cannot be compared.
fn differs(locked: &str, checksum: &str) -> bool {
    let algorithm = |checksum: &str| checksum.split_once(':').map(|(algorithm, _)| algorithm.to_owned());
    algorithm(locked) == algorithm(checksum) && locked != checksum
}

fn edited(id: &str, line: usize, locked: &str) -> String {
    format!(
        "`{id}` is released and must stay as it is, but its code has changed: {NAME} has another checksum\n\
         databases where it has run would not get the change: undo it, and write a new migration instead\n\
         if it must be accepted, delete line {line} of {NAME}, `{id} {locked}`, and run `migrate lock-file` again"
    )
}

fn outdated(id: &str, line: usize) -> String {
    format!(
        "the checksum of `{id}` in {NAME} was made by a pre-release of Mongrate and cannot be compared\n\
         to accept its code as it is now, delete line {line} of {NAME}, and run `migrate lock-file` again"
    )
}

fn contradiction(id: &str, first: usize, second: usize) -> String {
    format!(
        "lines {first} and {second} of {NAME} have different checksums of `{id}`: keep the one of what was released"
    )
}

fn malformed(number: usize, line: &str) -> String {
    format!(
        "line {number} of {NAME} is not understood: `{line}`\n\
         a line is an id and a checksum, as `migrate lock-file` writes it; if it is left of a merge, keep the lines of both sides"
    )
}

#[cfg(test)]
mod tests {
    use super::{Lock, NAME};

    fn told(text: &str) -> Option<String> {
        Lock::Text(text.to_owned()).admits("002_b", "t2:2").err()
    }

    #[test]
    fn what_is_as_it_was_released_is_admitted() {
        for text in [
            "",
            "# t2\n",
            "002_b t2:2",
            "001_a t2:1\n002_b t2:2\n003_c t2:3\n",
            "# released\r\n\r\n002_b t2:2 \r\n",
            // Left by a merge that takes both sides.
            "003_c t2:3\n002_b t2:2\n002_b t2:2\n",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn another_migration_with_a_name_like_it_has_no_say() {
        for text in ["module:menu:002_b t2:9", "002_bb t2:9", "2_b t2:9", "#002_b t2:9", "002 t2:9"] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn another_algorithm_cannot_be_compared() {
        assert_eq!(told("002_b t0:9"), None);
        assert_eq!(told("002_b t3:9"), None);
    }

    #[test]
    fn the_checksum_of_a_pre_release_is_none() {
        let told = told("# t2\n002_b t1:2\n").expect("it is out of date");
        assert!(told.contains("`002_b` in migrations.lock was made by a pre-release of Mongrate"), "{told}");
        assert!(told.contains("delete line 2 of migrations.lock, and run `migrate lock-file` again"), "{told}");
    }

    #[test]
    fn a_line_of_another_checksum_is_quoted() {
        let told = told("# t2\n001_a t2:1\n002_b t2:9\n").expect("it is edited");
        assert!(told.contains("`002_b` is released"), "{told}");
        assert!(told.contains("delete line 3 of migrations.lock, `002_b t2:9`"), "{told}");
    }

    #[test]
    fn a_contradiction_names_both_lines() {
        for text in ["002_b t2:2\n\n002_b t2:9", "002_b t2:9\n\n002_b t2:2", "002_b t2:2\n\n002_b t0:2"] {
            let told = told(text).expect("one of them is wrong");
            assert!(told.contains("lines 1 and 3 of migrations.lock have different checksums of `002_b`"), "{told}");
        }
    }

    #[test]
    fn what_is_no_line_of_a_lock_file_is_quoted() {
        for line in ["<<<<<<< HEAD", "=======", ">>>>>>> 1a2b3c4 (Fix: all)", "001_a", "001_a t2", "t2:1"] {
            for text in [format!("002_b t2:2\n{line}\n"), format!("002_b t2:9\n{line}")] {
                let told = told(&text).expect("that is no line");
                assert!(told.contains(&format!("line 2 of {NAME} is not understood: `{line}`")), "{told}");
            }
        }
    }
}
