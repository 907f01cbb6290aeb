//! What the Cargo.toml of a crate says about its migrations.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{owner, shown};
use crate::failure::Failure;
use mongrate::migration::Source;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The source of all migrations that do not say otherwise.
    pub(super) source: Option<String>,
    /// The files at which a library or a program begins, where Cargo would not find them by their names.
    pub(super) roots: Vec<PathBuf>,
}

impl Manifest {
    /// That of the crate in this folder.
    pub(super) fn of(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join("Cargo.toml");
        let text = fs::read_to_string(&file).map_err(|error| Failure::io(&format!("read {}", shown(&file)), &error))?;
        Self::read(&text, folder)
            .map_err(|failure| Failure { message: format!("{}: {}", shown(&file), failure.message).into(), ..failure })
    }

    /// The source of a migration in this crate that says nothing about it.
    pub(super) fn source_or_system(&self) -> String {
        self.source.clone().unwrap_or_else(|| Source::System.to_string())
    }

    fn read(text: &str, folder: &Path) -> Result<Self, Failure> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| Failure::usage(error.message()))?;
        let metadata = table.get("package").and_then(|package| package.get("metadata")?.get("mongrate")?.get("source"));
        let source = match metadata {
            None => None,
            Some(Value::String(source)) => Some(owner::check(source)?.to_string()),
            Some(other) => {
                let found = other.type_str();
                return Err(Failure::usage(format!("the source of its migrations is a text, not of type {found}")));
            }
        };
        let targets = ["bin", "example", "test", "bench"].into_iter().filter_map(|kind| table.get(kind)?.as_array());
        let targets = table.get("lib").into_iter().chain(targets.flatten());
        let roots = targets.filter_map(|target| Some(folder.join(target.get("path")?.as_str()?))).collect();
        Ok(Self { source, roots })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Manifest, String> {
        Manifest::read(text, Path::new("shop")).map_err(|failure| failure.message.into_string())
    }

    #[test]
    fn the_source_of_a_crate_is_read() {
        let menu = Some("module:menu".to_owned());
        for (text, source) in [
            ("[package]\nname = \"shop\"", None),
            ("[package.metadata.docs.rs]\nall-features = true", None),
            ("[package.metadata.mongrate]\nsource = \"module:menu\"", menu.clone()),
            ("[package]\nmetadata.mongrate.source = 'module:menu'", menu),
            ("[workspace.metadata.mongrate]\nsource = \"module:menu\"", None),
        ] {
            assert_eq!(read(text).unwrap().source, source, "{text}");
        }
    }

    #[test]
    fn a_source_that_is_none_is_refused() {
        assert!(read("[package.metadata.mongrate]\nsource = \"menu\"").unwrap_err().contains("'menu' is not a source"));
        assert!(read("[package.metadata.mongrate]\nsource = 1").unwrap_err().contains("not of type integer"));
        assert!(read("[package").is_err());
    }

    #[test]
    fn roots_of_other_names_are_read() {
        let text = "[lib]\npath = \"lib/shop.rs\"\n[[bin]]\nname = \"a\"\n[[bin]]\npath = \"a/b.rs\"\n[[test]]\npath = \"t.rs\"";
        let roots = ["shop/lib/shop.rs", "shop/a/b.rs", "shop/t.rs"].map(PathBuf::from);
        assert_eq!(read(text).unwrap().roots, roots);
    }
}
