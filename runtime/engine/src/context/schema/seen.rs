//! Decides from reads of the database whether an effect in doubt has taken effect.

use std::collections::HashMap;

use mongodb::bson::{Bson, Document, doc};

use super::effect::{ALL_INDEXES, Effect, index_name};
use super::failure::Failure;
use crate::context::catalog::same::{index_covers, same, same_option};
use crate::context::catalog::{Index, Listed, ListedKind};
use crate::error::codes::{INVALID_OPTIONS, NAMESPACE_EXISTS};

/// The collections and views with some names, as they were read.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) named: HashMap<String, Listed>,
    /// UUID of the collection with the records. A restored copy of the database has new UUIDs.
    pub(super) home: Option<Bson>,
}

/// Whether an effect in doubt has taken effect.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Done,
    /// It has not.
    Open,
    /// Inconclusive: a description of what was found.
    Unknown(String),
}

impl Seen {
    pub(super) fn get(&self, name: &str) -> Option<&Listed> {
        self.named.get(name)
    }

    /// Refuses to define a view in place of a collection, or a validator for a view, with a clearer message than the server's.
    pub(super) fn refuse_other_kind(&self, effect: &Effect) -> Result<(), Failure> {
        let there = self.get(effect.on());
        let why = match effect {
            Effect::CreateView { .. } => there.and_then(Listed::taken),
            Effect::CreateCollection { .. } if there.is_some_and(|there| there.kind == ListedKind::View) => {
                Some(format!("a view has this name, and can have no validator (code {INVALID_OPTIONS})"))
            }
            _ => None,
        };
        why.map_or(Ok(()), |why| Err(Failure::Refused(format!("could not {}: {why}", effect.described()))))
    }

    /// Returns what an intent keeps of a name: the UUID, `"view"`, or null if there is neither.
    pub(super) fn identity(&self, name: &str) -> Bson {
        match self.get(name) {
            None => Bson::Null,
            Some(Listed { kind: ListedKind::View, .. }) => "view".into(),
            Some(Listed { uuid, .. }) => uuid.clone().unwrap_or_else(|| "unknown".into()),
        }
    }

    /// Returns what an intent keeps of a collection to recognize it later.
    pub(super) fn identified(&self, name: &str) -> Document {
        let home = self.home.clone().unwrap_or(Bson::Null);
        doc! { "uuid": self.identity(name), "home": home }
    }

    pub(super) fn dropped(&self, name: &str, before: &Document) -> Settled {
        let there = self.get(name);
        if let Ok(view) = before.get_document("view") {
            let same = |there: &Listed| there.kind == ListedKind::View && there.options == *view;
            return settled(!there.is_some_and(same));
        }
        match self.same_database(before) {
            Err(unknown) => unknown,
            Ok(uuid) => settled(there.and_then(|there| there.uuid.as_ref()) != Some(uuid)),
        }
    }

    pub(super) fn renamed(&self, from: &str, to: &str, before: &Document) -> Settled {
        let uuid = match self.same_database(before) {
            Err(unknown) => return unknown,
            Ok(uuid) => uuid,
        };
        let is = |name| self.get(name).and_then(|there: &Listed| there.uuid.as_ref()) == Some(uuid);
        match (is(from), is(to)) {
            (_, true) => Settled::Done,
            (true, false) if self.get(to).is_none() || self.is_to_be_replaced(to, before) => Settled::Open,
            (true, false) => Settled::Unknown(format!("somebody has made another collection '{to}' meanwhile")),
            (false, false) => Settled::Unknown(format!("the collection is neither '{from}' nor '{to}' any more")),
        }
    }

    /// Returns whether the rename found this collection under its new name, to drop it.
    fn is_to_be_replaced(&self, to: &str, before: &Document) -> bool {
        let target = before.get("to").filter(|target| matches!(target, Bson::Binary(_)));
        target.is_some_and(|target| *target == self.identity(to))
    }

    pub(super) fn created(&self, name: &str, options: &Document, before: &Document) -> Settled {
        let Some(there) = self.get(name) else { return Settled::Open };
        if before.get("uuid") != Some(&self.identity(name)) {
            return Settled::Done;
        }
        // It existed before, so that only its validator can have changed.
        settled(
            options.get("validator").is_some_and(|validator| same_option(there.options.get("validator"), validator)),
        )
    }

    pub(super) fn modified(&self, on: &str, fields: &Document, indexes: &[Index]) -> Settled {
        const READABLE: [&str; 5] = ["validator", "validationLevel", "validationAction", "viewOn", "pipeline"];
        let Some(there) = self.get(on) else { return Settled::Open };
        for (field, wanted) in fields {
            let has = match (field.as_str(), wanted) {
                ("index", Bson::Document(wanted)) => indexes.iter().any(|index| index.is_modified(wanted)),
                (field, wanted) if READABLE.contains(&field) => same_option(there.options.get(field), wanted),
                _ => return Settled::Unknown(format!("the server does not show what became of '{field}'")),
            };
            if !has {
                return Settled::Open;
            }
        }
        Settled::Done
    }

    /// Returns the UUID of the collection that was meant, unless the database is a copy with new UUIDs.
    fn same_database<'b>(&self, before: &'b Document) -> std::result::Result<&'b Bson, Settled> {
        let home = before.get("home").unwrap_or(&Bson::Null);
        match before.get("uuid") {
            Some(uuid @ Bson::Binary(_)) if *home == self.home.clone().unwrap_or(Bson::Null) => Ok(uuid),
            Some(Bson::Binary(_)) => Err(Settled::Unknown(
                "this database is a copy, in which no collection can be recognized any more".to_owned(),
            )),
            _ => Err(Settled::Unknown("the server did not say which collection it was".to_owned())),
        }
    }
}

pub(super) fn settled(done: bool) -> Settled {
    if done { Settled::Done } else { Settled::Open }
}

/// Decides whether all these indexes were created. The server creates all or none.
pub(super) fn indexes_there(indexes: &[Index], specs: &[Document]) -> Settled {
    let there = specs.iter().map(|spec| index_there(indexes, spec));
    there.reduce(|one, other| if one == Settled::Done { other } else { one }).unwrap_or(Settled::Done)
}

/// Returns the names of the indexes that dropping all of them found, and that still exist.
pub(super) fn still_there<'b>(indexes: &[Index], before: &'b Document) -> Vec<&'b str> {
    let names = before.get_array("indexes").into_iter().flatten().filter_map(Bson::as_str);
    names.filter(|name| indexes.iter().any(|index| index.is_named(name))).collect()
}

fn index_there(indexes: &[Index], spec: &Document) -> Settled {
    let name = index_name(spec);
    match indexes.iter().find(|index| index.is_named(name)) {
        None => Settled::Open,
        Some(index) if index.is_building => {
            Settled::Unknown("it is still being built: wait for it, or drop it".to_owned())
        }
        Some(index) => settled(index_covers(&index.spec, spec)),
    }
}

impl Listed {
    /// Returns why a view cannot have this name.
    pub(super) fn taken(&self) -> Option<String> {
        let kind = match self.kind {
            ListedKind::View => return None,
            ListedKind::Collection => "collection",
            ListedKind::TimeSeries => "time-series collection",
        };
        Some(format!("a {kind} has this name (code {NAMESPACE_EXISTS})"))
    }

    /// Returns whether this is a view with this definition.
    pub(super) fn is_the_view(&self, on: &str, pipeline: &[Document]) -> bool {
        let definition = doc! { "viewOn": on, "pipeline": pipeline };
        let has = |(key, value): (&String, &Bson)| self.options.get(key).is_some_and(|there| same(there, value));
        self.kind == ListedKind::View && definition.iter().all(has)
    }
}

impl Index {
    /// Returns whether dropping all indexes drops this one.
    pub(super) fn can_be_dropped(&self) -> bool {
        !self.is_named("_id_") && !self.spec.get_bool("clustered").unwrap_or(false)
    }

    /// Returns whether the index is dropped under this name, which may be [`ALL_INDEXES`].
    pub(super) fn is_dropped_by(&self, name: &str) -> bool {
        if name == ALL_INDEXES { self.can_be_dropped() } else { self.is_named(name) }
    }

    /// Returns whether `collMod` selects this index, by name or by keys.
    pub(super) fn is_meant(&self, wanted: &Document) -> bool {
        let has = |(field, key)| match wanted.get(field) {
            None => true,
            Some(wanted) => self.spec.get(key).is_some_and(|there| same(there, wanted)),
        };
        [("name", "name"), ("keyPattern", "key")].into_iter().all(has)
    }

    /// Returns whether `collMod` selects this index and would not change it.
    pub(super) fn is_modified(&self, wanted: &Document) -> bool {
        let asked = wanted.iter().filter(|(field, _)| !["name", "keyPattern"].contains(&field.as_str()));
        self.is_meant(wanted) && asked.into_iter().all(|(field, wanted)| same_option(self.spec.get(field), wanted))
    }
}
