//! All that is decided about a new migration before any of it is written.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use mongodb::bson::DateTime;
use mongrate::migration::template::{Template, description, next_id, sentence};
use mongrate::{Migration, Registry};

use super::module_list::ModuleList;
use super::options::{Kind, New};
use super::package::Package;
use super::place::{MIGRATIONS, Place};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::program;
use crate::source_tree::shown;
use crate::source_tree::{SourceTree, called};

#[derive(Debug)]
pub(super) struct Draft {
    /// Qualified.
    pub(super) id: String,
    pub(super) source: String,
    pub(super) dependency: Option<&'static str>,
    /// New files with their text. The first is the migration's.
    pub(super) created: Vec<(PathBuf, String)>,
    /// The file that declares them, with its new text.
    pub(super) changed: Option<(PathBuf, String)>,
    /// The file that the user has to change, with the lines and the reason.
    pub(super) by_hand: Option<(PathBuf, String, String)>,
    /// Files with lower numbers that are not linked in.
    pub(super) skipped: Vec<PathBuf>,
}

impl Draft {
    pub(super) fn of(new: &New, sources: &SourceTree, registry: &Registry) -> Result<Self, Failure> {
        let source = match (&new.source, sources.own_crate()) {
            (Some(source), _) => source.clone(),
            (None, Ok(folder)) => Package::of(&folder)?.source()?,
            (None, Err(_)) => "system".to_owned(),
        };
        if source.starts_with("plugin:") && new.kind == Kind::Database {
            return Err(Failure::usage("a plugin's migration does not get the whole database")
                .help("use `--kind tx`, `schema` or `backfill`, which give it the plugin's own collections"));
        }

        let all: Vec<Migration> = registry.into_iter().collect();
        let linked: Vec<PathBuf> = all.iter().filter_map(|migration| sources.file(*migration)).collect();
        let of_source = || all.iter().copied().filter(|migration| migration.source().to_string() == source);
        // What depends on a manual migration waits until somebody runs that.
        let dependency = of_source().rfind(|migration| !migration.is_manual());
        let previous = dependency.or(of_source().next_back());
        let (package, place) = match previous {
            Some(migration) => {
                let found = sources.file(migration).zip(sources.crate_of(migration));
                let (file, folder) = found.ok_or_else(|| elsewhere(migration))?;
                let package = Package::of(&folder)?;
                let place = Place::after(&file, &package);
                (package, place)
            }
            // The current folder may be in any project.
            None if linked.is_empty() && !all.is_empty() => return Err(elsewhere(all[0])),
            None => {
                let package = Package::of(&sources.own_crate()?)?;
                let place = Place::below_root(package.main_root(&program(env::args_os().next().as_ref()))?, &package);
                (package, place)
            }
        };
        let place = place.map_err(|error| Failure::io("read the sources", &error))?;

        let plain = |id: &'static str| id.rsplit(':').next().unwrap_or(id);
        let ids: Vec<&str> = of_source().map(|migration| plain(migration.id())).collect();
        let unlinked = unlinked(&place.folder, &linked)
            .map_err(|error| Failure::io(&format!("read {}", shown(&place.folder)), &error))?;
        let now = DateTime::now();
        let number = |unlinked| next_id(&new.name, &ids, unlinked, new.dated, now);
        let id = number(&unlinked);
        // Files with the numbers that it would have had without them.
        let skipped = format!("m{}", &number(&[])[..4])..format!("m{}", &id[..4]);
        let skipped = unlinked.iter().filter(|file| skipped.contains(*file)).map(|file| place.folder.join(file));
        let (dependency, default) = (dependency.map(|migration| migration.id()), package.source()?);
        let description = new.description.as_deref().map(description);
        let template = Template {
            id: &id,
            source: Some(&*source).filter(|source| *source != default),
            dependency,
            kind: new.kind.into(),
            reversible: new.reversible,
            description: &description.unwrap_or_else(|| sentence(&new.name)),
        };
        let draft = Self {
            id: if source == "system" { id.clone() } else { format!("{source}:{id}") },
            dependency,
            created: vec![(place.folder.join(template.file_name()), template.code())],
            changed: None,
            by_hand: None,
            skipped: skipped.collect(),
            source: source.clone(),
        };
        let missing = package.missing(previous.is_none());
        let missing = missing.map(|name| format!("the crate needs the dependency `{name}` in every build"));
        draft.declared(Place { doubt: missing.or(place.doubt), ..place }, &format!("m{id}"))
    }

    /// With the declarations that bring it into the program.
    fn declared(mut self, place: Place, module: &str) -> Result<Self, Failure> {
        let mut name = module;
        if let Some(file) = place.created {
            let text = format!("//! Changes to the database, in the order of their numbers.\n\nmod {name};\n");
            self.created.push((file, text));
            name = MIGRATIONS;
        }
        if let Some((file, _)) = self.created.iter().find(|(file, _)| file.exists()) {
            return Err(exists(file));
        }
        let text = ModuleList::read(&place.list).and_then(|list| list.with(name, place.beside.as_deref()));
        match (place.doubt, text) {
            (None, Some(text)) => self.changed = Some((place.list, text)),
            (doubt, _) => {
                let reason =
                    doubt.unwrap_or_else(|| format!("syn cannot read {}, or it has such a module", shown(&place.list)));
                self.by_hand = Some((place.list, place.lines.replace("NAME", name), reason));
            }
        }
        Ok(self)
    }

    /// Writes the new files first, and the file that declares them last: the crate builds at any moment.
    pub(super) fn write(&self) -> Result<(), Failure> {
        for (count, (file, text)) in self.created.iter().enumerate() {
            create(file, text).map_err(|error| self.undo(count, file, &error))?;
        }
        match &self.changed {
            Some((file, text)) => replace(file, text).map_err(|error| self.undo(self.created.len(), file, &error)),
            None => Ok(()),
        }
    }

    /// Removes the first files that were created, since another one could not be written.
    fn undo(&self, count: usize, file: &Path, error: &io::Error) -> Failure {
        let created = self.created[..count].iter().map(|(file, _)| file);
        let left: Vec<String> = created.filter(|file| fs::remove_file(file).is_err()).map(|file| shown(file)).collect();
        match (error.kind(), left.is_empty()) {
            (ErrorKind::AlreadyExists, true) => exists(file),
            (_, true) => Failure::io(&format!("write {}", shown(file)), error).help("nothing was written"),
            (_, false) => Failure::io(&format!("write {}", shown(file)), error)
                .help(format!("remove {} before you try again", left.join(" and "))),
        }
    }
}

fn create(file: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(file))?;
    let mut new = File::create_new(file)?;
    // The first error is the one to report.
    new.write_all(text.as_bytes()).inspect_err(|_| drop(fs::remove_file(file)))
}

/// Replaces a file as a whole, so that it is never half written.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    let draft = file.with_extension("rs.new");
    fs::write(&draft, text)
        .and_then(|()| fs::set_permissions(&draft, fs::metadata(&file)?.permissions()))
        .and_then(|()| fs::rename(&draft, &file))
        .inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// The files in a folder, if there is one, that are not linked in.
fn unlinked(folder: &Path, linked: &[PathBuf]) -> io::Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    let unlinked = files.iter().filter(|file| !linked.contains(file));
    Ok(unlinked.filter_map(|file| Some(file.file_name()?.to_str()?.to_owned())).collect())
}

fn exists(file: &Path) -> Failure {
    Failure::new(Exit::Failed, "file-exists", format!("{} already exists", shown(file)))
        .help("if it is not linked in yet, rebuild the program, as `cargo run` does; otherwise choose another name")
}

fn elsewhere(migration: Migration) -> Failure {
    let (file, _) = migration.location();
    Failure::usage(format!("this is not the source tree of '{}', which is in {file}", migration.id()))
        .help(format!("run it where the sources are, for example with `cargo run -- {}`", called()))
}
