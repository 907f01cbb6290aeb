//! Files that hold a migration by their names, but are not linked in: written since this program was built, or left out of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::number::number;
use super::place::read;
use super::shown;
use crate::failure::Failure;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unlinked {
    pub(super) file: PathBuf,
    pub(super) number: String,
    /// What stands behind the number.
    pub(super) name: String,
}

/// Those of a source in a folder, which need not be there, in the order of their names. `default` is the source of what
/// says nothing about it.
pub(super) fn unlinked(
    folder: &Path,
    linked: &[PathBuf],
    source: &str,
    default: &str,
) -> Result<Vec<Unlinked>, Failure> {
    let failed = |error: &io::Error| Failure::io(&format!("read {}", shown(folder)), error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| failed(&error))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let file = entry.map_err(|error| failed(&error))?.path();
        let Some(unlinked) = Some(file).filter(|file| !linked.contains(file)).and_then(Unlinked::of) else { continue };
        if said(&read(&unlinked.file)?).unwrap_or(default) == source {
            found.push(unlinked);
        }
    }
    found.sort_unstable_by(|one, other| one.file.cmp(&other.file));
    Ok(found)
}

/// The source that a file says by itself, as `new` writes it.
fn said(text: &str) -> Option<&str> {
    let (_, source) = text.split_once("source = \"")?;
    source.split_once('"').map(|(source, _)| source)
}

impl Unlinked {
    /// As `new` calls them: `m013_add_roles.rs`.
    fn of(file: PathBuf) -> Option<Self> {
        let id = file.file_name()?.to_str()?.strip_suffix(".rs")?.strip_prefix('m')?;
        let number = number(id);
        let name = id[number.len()..].strip_prefix('_').filter(|_| number.len() == 3)?.to_owned();
        Some(Self { number: number.to_owned(), name, file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_source_that_are_named_like_migrations_count() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(unlinked(&folder.path().join("none"), &[], "system", "system").unwrap(), []);
        for name in ["m002_b.rs", "m001_a.rs", "m003_c_d.rs", "m004.rs", "m20261121_x.rs", "roles.rs", "m005_e.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let menu = "#[migration(\n    id = \"006_f\",\n    source = \"module:menu\",\n)]";
        fs::write(folder.path().join("m006_f.rs"), menu).unwrap();
        let of = |source| {
            let found = unlinked(folder.path(), &[folder.path().join("m001_a.rs")], source, "system").unwrap();
            found.into_iter().map(|file| (file.number, file.name)).collect::<Vec<_>>()
        };
        assert_eq!(of("system"), [("002".to_owned(), "b".to_owned()), ("003".to_owned(), "c_d".to_owned())]);
        assert_eq!(of("module:menu"), [("006".to_owned(), "f".to_owned())]);
    }
}
