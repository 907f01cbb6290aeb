//! The footprint of one body, as a list of facts.

use std::collections::BTreeSet;
use std::iter;

use mongodb::bson::{Bson, Document, doc};

use super::Snapshot;
use crate::context::catalog::same::{covers, index_covers};
use crate::context::schema::effect::{ALL_INDEXES, Effect, index_name};

/// One fact that holds after a body. Names are those in the database.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact {
    /// A collection was renamed. All facts about the old name apply to the new one.
    Renamed { from: String, to: String },
    /// A collection or view exists, with the options that the body set.
    There { on: String, kind: Kind, options: Document },
    /// Neither a collection nor a view exists, and so no index.
    Gone { on: String },
    /// An index exists, or (`None`) does not. A specification without keys is incomplete.
    Index { on: String, name: String, spec: Option<Document> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Collection,
    View,
}

/// The collection options that `listCollections` shows.
const READABLE: [&str; 16] = [
    "validator",
    "validationLevel",
    "validationAction",
    "viewOn",
    "pipeline",
    "capped",
    "size",
    "max",
    "collation",
    "timeseries",
    "expireAfterSeconds",
    "clusteredIndex",
    "changeStreamPreAndPostImages",
    "storageEngine",
    "indexOptionDefaults",
    "encryptedFields",
];

/// The readable options that the server stores as given, and accepts for an existing collection.
const KEPT: [&str; 5] = ["validator", "validationLevel", "validationAction", "viewOn", "pipeline"];

/// The field by which `collMod` selects an index without its name.
const KEY_PATTERN: &str = "keyPattern";

/// The facts of one body, in order. Facts that a later one invalidates are removed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts(Vec<Fact>);

impl Facts {
    /// Derives the facts from effects alone, without reading the database.
    pub(crate) fn of<'e>(effects: impl IntoIterator<Item = &'e Effect>) -> Self {
        let mut facts = Self::default();
        for effect in effects {
            facts.add(effect);
        }
        facts
    }

    fn add(&mut self, effect: &Effect) {
        match effect {
            Effect::CreateIndexes { on, specs } => {
                for spec in specs {
                    let name = index_name(spec).to_owned();
                    self.push(Fact::Index { on: on.clone(), name, spec: Some(spec.clone()) });
                }
            }
            Effect::DropIndexes { on } => {
                self.push(Fact::Index { on: on.clone(), name: ALL_INDEXES.to_owned(), spec: None });
            }
            Effect::DropIndex { on, name } => {
                self.push(Fact::Index { on: on.clone(), name: name.clone(), spec: None });
            }
            Effect::CreateCollection { name, options } => {
                self.push(Fact::There { on: name.clone(), kind: Kind::Collection, options: readable(options) });
            }
            Effect::CreateView { name, on, pipeline } => {
                let options = doc! { "viewOn": on, "pipeline": pipeline.clone() };
                self.push(Fact::There { on: name.clone(), kind: Kind::View, options });
            }
            Effect::Modify { on, fields } => {
                let kind = if fields.contains_key("viewOn") { Kind::View } else { Kind::Collection };
                self.push(Fact::There { on: on.clone(), kind, options: readable(fields) });
                if let Ok(index) = fields.get_document("index") {
                    self.modify_index(on, index);
                }
            }
            Effect::Drop { name } => self.push(Fact::Gone { on: name.clone() }),
            Effect::Rename { from, to, .. } => self.push(Fact::Renamed { from: from.clone(), to: to.clone() }),
        }
    }

    /// Adds an index that `collMod` selects by name or by keys. Selected by keys, it gets its name from the database later.
    fn modify_index(&mut self, on: &str, fields: &Document) {
        let name = fields.get_str("name").unwrap_or_default().to_owned();
        let spec = fields.clone();
        let known = self.0.iter_mut().find_map(|fact| match fact {
            Fact::Index { on: there, name: known, spec: Some(spec) } if there == on && *known == name => Some(spec),
            _ => None,
        });
        match known {
            Some(known) => known.extend(spec),
            None => self.push(Fact::Index { on: on.to_owned(), name, spec: Some(spec) }),
        }
    }

    /// Adds a fact and removes the facts that it invalidates.
    pub(super) fn push(&mut self, fact: Fact) {
        match &fact {
            Fact::Index { on, name, .. } => self.0.retain(|known| match known {
                Fact::Index { on: there, name: known, .. } => !(there == on && (known == name || name == ALL_INDEXES)),
                _ => true,
            }),
            Fact::Gone { on } => self.0.retain(|known| !known.is_about(on)),
            Fact::There { on, kind, options } => {
                let earlier = self.0.iter_mut().find_map(|known| match known {
                    Fact::There { on: there, kind: same, options } if there == on && same == kind => Some(options),
                    _ => None,
                });
                if let Some(earlier) = earlier {
                    earlier.extend(options.clone());
                    return;
                }
            }
            Fact::Renamed { from, to } => {
                self.0.retain(|known| !known.is_about(to));
                // `Gone` still has to invalidate facts of earlier migrations about the old name, so it stays before the rename.
                let moves = |known: &Fact| known.is_about(from) && !matches!(known, Fact::Gone { .. });
                let (taken, rest): (Vec<_>, Vec<_>) = self.0.drain(..).partition(moves);
                self.0 = rest;
                let taken = taken.into_iter().map(|known| known.under(to));
                let facts: Vec<_> = iter::once(fact.clone()).chain(taken).collect();
                self.0.extend(facts);
                return;
            }
        }
        self.0.push(fact);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.0.iter()
    }

    /// Returns the names of all collections and views.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(Fact::names).map(str::to_owned).collect()
    }

    /// Returns the names of all collections with a fact about an index.
    pub(crate) fn indexed(&self) -> BTreeSet<String> {
        let on = self.0.iter().filter_map(|fact| match fact {
            Fact::Index { on, .. } => Some(on.clone()),
            _ => None,
        });
        on.collect()
    }

    /// Adds the details that the server has filled in. Presence and absence are taken from the effects alone: a late command may
    /// have changed the database before it was read.
    pub(crate) fn detailed(self, snapshot: &Snapshot) -> Self {
        Self(self.0.into_iter().filter_map(|fact| fact.detailed(snapshot)).collect())
    }

    /// Parses the result of [`to_array`](Self::to_array).
    pub(super) fn parse(stored: &[Bson]) -> Option<Self> {
        stored.iter().map(|fact| Fact::parse(fact.as_document()?)).collect::<Option<_>>().map(Self)
    }

    pub(super) fn to_array(&self) -> Vec<Bson> {
        self.0.iter().map(|fact| fact.to_document().into()).collect()
    }
}

impl Fact {
    fn is_about(&self, name: &str) -> bool {
        match self {
            Self::Renamed { .. } => false,
            Self::There { on, .. } | Self::Gone { on } | Self::Index { on, .. } => on == name,
        }
    }

    fn names(&self) -> Vec<&str> {
        match self {
            Self::Renamed { from, to } => vec![from, to],
            Self::There { on, .. } | Self::Gone { on } | Self::Index { on, .. } => vec![on],
        }
    }

    /// Returns the fact for another name.
    fn under(mut self, name: &str) -> Self {
        match &mut self {
            Self::There { on, .. } | Self::Index { on, .. } | Self::Gone { on } => name.clone_into(on),
            Self::Renamed { .. } => {}
        }
        self
    }

    fn detailed(self, snapshot: &Snapshot) -> Option<Self> {
        match self {
            Self::There { on, kind, mut options } => {
                if let Some(there) = snapshot.get(&on) {
                    let asked: Vec<_> = options.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                    for (key, asked) in asked {
                        match there.options.get(&key) {
                            Some(found) if !KEPT.contains(&key.as_str()) || covers(found, &asked) => {
                                options.insert(key, found.clone());
                            }
                            None if !KEPT.contains(&key.as_str()) => {
                                options.remove(&key);
                            }
                            _ => {}
                        }
                    }
                }
                Some(Self::There { on, kind, options })
            }
            Self::Index { on, name, spec: Some(mut spec) } => {
                let found = match spec.remove(KEY_PATTERN) {
                    Some(keys) if name.is_empty() => snapshot.index_by_keys(&on, &keys),
                    _ => snapshot.index(&on, &name),
                };
                match found {
                    Some(found) if index_covers(&found.spec, &spec) => {
                        let name = found.spec.get_str("name").unwrap_or(&name).to_owned();
                        Some(Self::Index { on, name, spec: Some(found.spec.clone()) })
                    }
                    // It is unknown which index was meant.
                    _ if name.is_empty() => None,
                    _ => Some(Self::Index { on, name, spec: Some(spec) }),
                }
            }
            known @ (Self::Renamed { .. } | Self::Gone { .. } | Self::Index { spec: None, .. }) => Some(known),
        }
    }

    fn parse(stored: &Document) -> Option<Self> {
        let text = |field| stored.get_str(field).map(str::to_owned).ok();
        if let Some(from) = text("renamed") {
            return Some(Self::Renamed { from, to: text("to")? });
        }
        let on = text("on")?;
        if let Some(name) = text("index") {
            let spec = match stored.get("spec")? {
                Bson::Document(spec) => Some(spec.clone()),
                Bson::Null => None,
                _ => return None,
            };
            return Some(Self::Index { on, name, spec });
        }
        let kind = match stored.get("is")? {
            Bson::Null => return Some(Self::Gone { on }),
            Bson::String(kind) if kind == "collection" => Kind::Collection,
            Bson::String(kind) if kind == "view" => Kind::View,
            _ => return None,
        };
        Some(Self::There { on, kind, options: stored.get_document("options").cloned().unwrap_or_default() })
    }

    fn to_document(&self) -> Document {
        match self {
            Self::Renamed { from, to } => doc! { "renamed": from, "to": to },
            Self::There { on, kind, options } => {
                let is = match kind {
                    Kind::Collection => "collection",
                    Kind::View => "view",
                };
                let mut fact = doc! { "on": on, "is": is };
                if !options.is_empty() {
                    fact.insert("options", options.clone());
                }
                fact
            }
            Self::Gone { on } => doc! { "on": on, "is": null },
            Self::Index { on, name, spec } => doc! { "on": on, "index": name, "spec": spec.clone() },
        }
    }
}

/// Returns the fields of `create` or `collMod` that can be read back, with the names that `listCollections` uses.
fn readable(fields: &Document) -> Document {
    let named = fields.iter().map(|(key, value)| {
        let key = match key.as_str() {
            "cappedSize" => "size",
            "cappedMax" => "max",
            key => key,
        };
        (key.to_owned(), value.clone())
    });
    named.filter(|(key, _)| READABLE.contains(&key.as_str())).collect()
}

#[cfg(test)]
mod tests;
