//! What Cargo knows about a crate.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use mongrate::migration::template;
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::source_tree::shown;

/// A package as `cargo metadata` describes it.
#[derive(Debug)]
pub(super) struct Package {
    folder: PathBuf,
    metadata: Value,
}

impl Package {
    pub(super) fn of(folder: &Path) -> Result<Self, Failure> {
        // `cargo run` names itself.
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let cargo = cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(folder);
        let output = cargo.output().map_err(|error| Failure::io("run `cargo metadata`", &error))?;
        let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let manifest = folder.join("Cargo.toml");
        let packages = metadata["packages"].as_array_mut().into_iter().flatten();
        let metadata = packages.map(Value::take).find(|package| path(&package["manifest_path"]) == manifest);
        let metadata = metadata.ok_or_else(|| {
            let why = String::from_utf8_lossy(&output.stderr);
            Failure::new(Exit::Failed, "io", format!("cargo metadata does not list {}: {why}", shown(&manifest)))
        })?;
        Ok(Self { folder: folder.to_owned(), metadata })
    }

    /// The source of migrations that name none.
    pub(super) fn source(&self) -> Result<String, Failure> {
        let source = &self.metadata["metadata"]["mongrate"]["source"];
        let checked = if source.is_null() {
            Ok("system".to_owned())
        } else {
            template::source(source.as_str().unwrap_or_default())
        };
        checked.map_err(|why| Failure::usage(format!("{}: {source}: {why}", shown(&self.folder.join("Cargo.toml")))))
    }

    /// The root files of its library, programs and tests.
    pub(super) fn roots(&self) -> Vec<&Path> {
        self.targets(|_| true).collect()
    }

    /// The root of the library, or else of the program with this name.
    pub(super) fn main_root(&self, program: &str) -> Result<&Path, Failure> {
        let library = self.targets(|target| target["kind"].to_string().contains("lib\"")).next();
        let root = library.or_else(|| self.targets(|it| it["kind"][0] == "bin" && it["name"] == program).next());
        root.ok_or_else(|| {
            Failure::usage(format!("{} has neither a library nor a program `{program}`", shown(&self.folder)))
                .help("run it in the folder of the crate that the migration is for")
        })
    }

    fn targets(&self, which: impl Fn(&Value) -> bool) -> impl Iterator<Item = &Path> {
        let targets = self.metadata["targets"].as_array().into_iter().flatten();
        targets.filter(move |target| which(target)).map(|target| path(&target["src_path"]))
    }

    /// A crate that the code of a migration uses and this one does not depend on; in the case of the first, not in every build.
    pub(super) fn missing(&self, is_first: bool) -> Option<&'static str> {
        let dependencies = self.metadata["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
        let is_always = |it: &Value| it["kind"].is_null() && it["target"].is_null() && it["optional"] == false;
        let is_there = |it: &Value| it["rename"].is_null() && (!is_first || is_always(it));
        let has = |name: &&str| dependencies.iter().any(|it| it["name"] == *name && is_there(it));
        ["mongodb", "mongrate"].into_iter().find(|name| !has(name))
    }

    /// Whether a string in its code is a path to a file of this name: a `path` attribute or `include!` may load the file.
    pub(super) fn names(&self, file: &str) -> io::Result<bool> {
        fn is_in(folder: &Path, ends: &[String]) -> io::Result<bool> {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let (path, name) = (entry.path(), entry.file_name());
                let found = if entry.file_type()?.is_dir() {
                    name != "target" && is_in(&path, ends)?
                } else if path.is_file() && name.to_string_lossy().ends_with(".rs") {
                    let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
                    ends.iter().any(|end| text.contains(end))
                } else {
                    false
                };
                if found {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        is_in(&self.folder, &['"', '/'].map(|before| format!("{before}{file}\"")))
    }
}

fn path(value: &Value) -> &Path {
    Path::new(value.as_str().unwrap_or_default())
}
