//! All that is decided about a new migration before any of it is written.

use std::path::{Path, PathBuf};

use mongodb::bson::DateTime;

use super::changes::{Change, changes, exists};
use super::manifest::Manifest;
use super::name::Name;
use super::number::{Numbers, number};
use super::place::Crate;
use super::predecessor::Predecessor;
use super::template::{Kind, Template};
use super::unlinked::{Unlinked, unlinked};
use super::{New, description, owner};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::source_tree::{SourceTree, called};
use mongrate::migration::{Migration, Source};
use mongrate::plan::Registry;

#[derive(Debug)]
pub(super) struct Draft {
    /// Qualified.
    pub(super) id: String,
    pub(super) source: String,
    pub(super) dependency: Option<&'static str>,
    /// The first is the file of the migration itself.
    pub(super) changes: Vec<Change>,
    /// Files that have the numbers it would have had, but are not linked in.
    pub(super) waiting: Vec<PathBuf>,
}

impl Draft {
    pub(super) fn of(new: &New, sources: &SourceTree, registry: &Registry) -> Result<Self, Failure> {
        let name = Name::of(&new.name)?;
        let description = match &new.description {
            Some(text) => description::check(text)?,
            None => name.sentence(),
        };
        let own = sources.own_crate();
        let source = match (&new.source, &own) {
            (Some(source), _) => source.clone(),
            (None, Ok(own)) => Manifest::of(own)?.source_or_system(),
            (None, Err(_)) => Source::System.to_string(),
        };
        let owner = owner::check(&source)?;
        if matches!(owner, Source::Plugin(_)) && new.kind == Kind::Database {
            return Err(Failure::usage("a plugin's migration is not given the whole database")
                .help("with `--kind tx` or `--kind schema` it has the plugin's own collections"));
        }

        let all: Vec<Migration> = registry.iter().collect();
        let files: Vec<PathBuf> = all.iter().filter_map(|migration| sources.file(*migration)).collect();
        let before = Predecessor::among(&all, owner);
        let folder = match before.migration {
            Some(migration) => sources.crate_of(migration).ok_or_else(|| elsewhere(migration))?,
            // The current folder may be in any project.
            None => match all.first().filter(|_| files.is_empty()) {
                Some(migration) => return Err(elsewhere(*migration)),
                None => own?,
            },
        };
        let manifest = Manifest::of(&folder)?;
        let krate = Crate { folder: &folder, manifest: &manifest };
        let place = match before.migration.and_then(|migration| sources.file(migration)) {
            Some(file) => krate.after(&file, &files)?,
            None => krate.first()?,
        };

        let default = manifest.source_or_system();
        let unlinked = unlinked(&place.folder, &files, &source, &default)?;
        let (id, waiting) = numbered(&before, &name, new.dated, &unlinked)?;
        let code = Template {
            id: &id,
            source: Some(&*source).filter(|source| *source != default),
            dependency: before.dependency(),
            kind: new.kind,
            reversible: new.reversible,
            description: &description,
        };
        let changes = changes(&place, &module(&id), code.code())?;
        let id = if owner == Source::System { id } else { format!("{source}:{id}") };
        Ok(Self { id, dependency: before.dependency(), changes, waiting, source })
    }
}

/// The id, and the files whose numbers it leaves out.
fn numbered(
    before: &Predecessor,
    name: &Name,
    dated: bool,
    unlinked: &[Unlinked],
) -> Result<(String, Vec<PathBuf>), Failure> {
    let mut numbers = Numbers { ids: before.ids.clone(), newest: before.id(), waiting: Vec::new() };
    let now = now()?;
    let expected = numbers.next(name, dated, &now)?;
    // Files with dates do not get into each other's way.
    let is_next = |file: &&Unlinked| number(&expected).len() == 3 && *file.number >= *number(&expected);
    let waiting = || unlinked.iter().filter(is_next);
    // Called twice, most likely, without a build in between.
    if let Some(twin) = waiting().find(|file| file.name == name.as_str().replace('-', "_")) {
        return Err(exists(&twin.file));
    }
    numbers.waiting = waiting().map(|file| &*file.number).collect();
    let id = numbers.next(name, dated, &now)?;
    let left_out = waiting().filter(|file| *file.number < *number(&id)).map(|file| file.file.clone()).collect();
    Ok((id, left_out))
}

/// What the file is called: no module begins with a digit.
fn module(id: &str) -> String {
    format!("m{}", id.replace('-', "_"))
}

/// UTC, from the year to the second, in 14 digits.
fn now() -> Result<String, Failure> {
    let now = DateTime::now().try_to_rfc3339_string();
    let now = now.map_err(|error| Failure::new(Exit::Failed, "io", format!("could not tell the date: {error}")))?;
    Ok(now.chars().filter(char::is_ascii_digit).take(14).collect())
}

fn elsewhere(migration: Migration) -> Failure {
    let (file, _) = migration.location();
    let message = if Path::new(file).is_absolute() {
        format!("'{}' belongs to a crate that is not a part of this source tree: {file}", migration.id())
    } else {
        format!("this is not the source tree of this program: '{}' is not in {file}", migration.id())
    };
    Failure::usage(message).help(format!("call it where its sources are, for example with `cargo run -- {}`", called()))
}
