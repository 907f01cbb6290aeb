//! What is written into the source tree. All of it is made up before any of it is written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::module_file::{self, Declared};
use super::place::{MIGRATIONS, Place, declared, not_rust, read};
use super::shown;
use crate::exit::Exit;
use crate::failure::Failure;

/// One file, and how it is to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) file: PathBuf,
    pub(super) text: String,
    /// It must not be there yet.
    pub(super) is_new: bool,
    /// What is declared in it.
    pub(super) module: Option<String>,
}

/// A new file, and all that brings it into the program. What is declared comes before what declares it, so that an error
/// in between breaks no build.
pub(super) fn changes(place: &Place, module: &str, code: String) -> Result<Vec<Change>, Failure> {
    let file = place.folder.join(format!("{module}.rs"));
    if file.exists() {
        return Err(exists(&file));
    }
    let mut changes = vec![Change { file, text: code, is_new: true, module: None }];
    changes.extend(declaration(&place.module, module)?);
    if let Some(root) = &place.root {
        changes.extend(declaration(root, MIGRATIONS)?);
    }
    Ok(changes)
}

/// `mod name;` in a file, unless it is there.
fn declaration(file: &Path, name: &str) -> Result<Option<Change>, Failure> {
    let module = Some(name.to_owned());
    if !file.is_file() {
        let text = format!("//! What happens to the database, one step after the other.\n\nmod {name};\n");
        return Ok(Some(Change { file: file.to_owned(), text, is_new: true, module }));
    }
    match declared(file, name)? {
        Declared::InAFile => Ok(None),
        Declared::Here => {
            let message = format!("{} has the module `{name}` in itself, not in a file of its own", shown(file));
            Err(Failure::usage(message).help(format!("move what is in it to {name}.rs first: nothing was written")))
        }
        Declared::No => {
            let text = module_file::with_module(&read(file)?, name).map_err(|_| not_rust(file))?;
            Ok(Some(Change { file: file.to_owned(), text, is_new: false, module }))
        }
    }
}

/// Writes all of them, or says what was written before it could not go on.
pub(super) fn write(changes: &[Change]) -> Result<(), Failure> {
    for (number, change) in changes.iter().enumerate() {
        change.write().map_err(|error| change.unwritten(&error, &changes[..number]))?;
    }
    Ok(())
}

impl Change {
    fn write(&self) -> io::Result<()> {
        if !self.is_new {
            return fs::write(&self.file, &self.text);
        }
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        File::create_new(&self.file)?.write_all(self.text.as_bytes())
    }

    fn unwritten(&self, error: &io::Error, before: &[Self]) -> Failure {
        let file = shown(&self.file);
        let failure = if error.kind() == io::ErrorKind::AlreadyExists {
            exists(&self.file)
        } else {
            Failure::io(&format!("write {file}"), error)
        };
        if before.is_empty() {
            return failure;
        }
        let written: Vec<_> = before.iter().map(|change| shown(&change.file)).collect();
        let message = format!("{}; written before: {}", failure.message, written.join(", "));
        let help = match &self.module {
            Some(module) => format!("bring it into the program by hand: `mod {module};` in {file}"),
            None => "remove that before you try again".to_owned(),
        };
        Failure { message: message.into(), ..failure }.help(help)
    }
}

/// Nothing is ever overwritten.
pub(super) fn exists(file: &Path) -> Failure {
    Failure::new(Exit::Failed, "file-exists", format!("{} is there already", shown(file))).help(
        "if it waits to be linked in, build the program first, as `cargo run` does; otherwise choose another name",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path) -> Place {
        let file = |name: &str| folder.join(name);
        Place { folder: file("migrations"), module: file("migrations.rs"), root: Some(file("main.rs")) }
    }

    fn texts(changes: &[Change]) -> Vec<(&str, &str)> {
        changes.iter().map(|change| (change.file.file_name().unwrap().to_str().unwrap(), &*change.text)).collect()
    }

    #[test]
    fn the_first_one_brings_its_module_along() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("main.rs"), "fn main() {}\n").unwrap();
        let made = changes(&place(folder.path()), "m001_a", "code".to_owned()).unwrap();
        let expected = [
            ("m001_a.rs", "code"),
            ("migrations.rs", "//! What happens to the database, one step after the other.\n\nmod m001_a;\n"),
            ("main.rs", "mod migrations;\n\nfn main() {}\n"),
        ];
        assert_eq!(texts(&made), expected);
        write(&made).unwrap();
        for (change, (_, text)) in made.iter().zip(expected) {
            assert_eq!(fs::read_to_string(&change.file).unwrap(), text);
        }
        // The second one finds all of it, and one that is declared already adds nothing.
        let made = changes(&place(folder.path()), "m002_b", "code".to_owned()).unwrap();
        assert_eq!(texts(&made)[1].1.lines().skip(2).collect::<Vec<_>>(), ["mod m001_a;", "mod m002_b;"]);
        assert_eq!(made.len(), 2);
        fs::remove_file(folder.path().join("migrations/m001_a.rs")).unwrap();
        assert_eq!(changes(&place(folder.path()), "m001_a", "code".to_owned()).unwrap().len(), 1);
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m001_a.rs");
        fs::write(&file, "mine").unwrap();
        let place = Place { folder: folder.path().to_owned(), ..place(folder.path()) };
        assert_eq!(changes(&place, "m001_a", String::new()).unwrap_err().code, "file-exists");
        // Somebody was faster.
        let change = Change { file: file.clone(), text: "yours".to_owned(), is_new: true, module: None };
        let failure = write(&[change]).unwrap_err();
        assert_eq!((failure.code, fs::read_to_string(&file).unwrap().as_str()), ("file-exists", "mine"));
        assert!(failure.message.contains("m001_a.rs is there already"), "{}", failure.message);
    }

    #[test]
    fn what_was_written_before_an_error_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let new = Change { file: folder.path().join("m001_a.rs"), text: String::new(), is_new: true, module: None };
        // A folder cannot be written to.
        let module = Some("m001_a".to_owned());
        let other = Change { file: folder.path().to_owned(), text: String::new(), is_new: false, module };
        let failure = write(&[new, other]).unwrap_err();
        assert!(failure.message.contains("could not write"), "{}", failure.message);
        assert!(failure.message.contains("m001_a.rs"), "{}", failure.message);
        assert!(failure.help.unwrap().contains("`mod m001_a;` in "));
    }

    #[test]
    fn a_module_without_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("main.rs"), "mod migrations {}\nfn main() {}\n").unwrap();
        let failure = changes(&place(folder.path()), "m001_a", String::new()).unwrap_err();
        assert!(failure.message.contains("has the module `migrations` in itself"), "{}", failure.message);
        assert!(!folder.path().join("migrations").exists());
    }
}
