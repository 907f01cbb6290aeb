//! Differences between the database and the footprint of migrations.

use mongodb::bson::{Bson, Document};

use super::Position;
use super::expectation::{Expectation, Expected, Owner};
use super::fact::{Fact, Facts, Kind};
use super::snapshot::Snapshot;
use crate::context::catalog::same::{NOT_COMPARED, index_covers, same_option};
use crate::context::catalog::{Index, ListedKind};

/// Maximum length of a description, in characters.
const SHOWN: usize = 300;

/// One object that differs from the footprint of a migration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Qualified id of the migration that left the object.
    pub(crate) id: String,
    /// Position of that execution.
    pub(crate) order: Position,
    /// Name of the object: `index 'email_1' of 'users'`.
    pub(crate) object: String,
    pub(crate) expected: String,
    pub(crate) found: String,
    /// Whether the difference is only reported, and needs no action.
    pub(crate) is_notice: bool,
    /// The fact that accepting the difference adds to the footprint.
    fact: Option<Fact>,
}

impl Difference {
    /// Turns the difference into a notice if a later migration with an unknown footprint may have caused it.
    pub(crate) fn perhaps_by(&mut self, unknown: &[(String, Position)]) {
        let later = unknown.iter().filter(|(_, executed)| *executed > self.order);
        let later: Vec<_> = later.map(|(id, _)| id.as_str()).collect();
        if !later.is_empty() {
            self.is_notice = true;
            self.found = format!("{}, perhaps by {}", self.found, later.join(", "));
        }
    }

    /// Adds the actual state to the facts of the migration. An index that is still being built adds nothing.
    pub(crate) fn accept(self, facts: &mut Facts) {
        if let Some(fact) = self.fact {
            facts.push(fact);
        }
    }
}

impl Expectation {
    /// Returns all differences, ordered by the name of the collection or view.
    pub(crate) fn differences(&self, snapshot: &Snapshot) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (name, expected) in &self.collections {
            differences.extend(self.differences_of(name, expected, snapshot));
        }
        differences
    }

    fn differences_of(&self, name: &str, expected: &Expected, snapshot: &Snapshot) -> Vec<Difference> {
        let there = snapshot.get(name);
        let kind = there.map(|there| if there.kind == ListedKind::View { Kind::View } else { Kind::Collection });
        if let Some((wanted, owner)) = expected.presence
            && wanted != kind
        {
            return vec![self.presence(owner, name, wanted, kind)];
        }
        let Some(there) = there else { return Vec::new() };
        let mut differences = Vec::new();
        for (key, (value, owner)) in &expected.options {
            let found = there.options.get(key);
            if !same_option(found, value) {
                let options = [(key.clone(), found.cloned().unwrap_or_else(|| Document::new().into()))];
                differences.push(Difference {
                    fact: kind.map(|kind| Fact::There {
                        on: name.to_owned(),
                        kind,
                        options: options.into_iter().collect(),
                    }),
                    ..self.difference(*owner, format!("{key} of '{name}'"), shown(value), found.map(shown))
                });
            }
        }
        for (index, (spec, owner)) in &expected.indexes {
            differences.extend(self.index(*owner, name, index, spec.as_ref(), snapshot.index(name, index)));
        }
        differences
    }

    fn presence(&self, owner: Owner, name: &str, wanted: Option<Kind>, found: Option<Kind>) -> Difference {
        let on = name.to_owned();
        let word = |kind| match kind {
            Kind::Collection => "collection",
            Kind::View => "view",
        };
        let fact = match found {
            None => Fact::Gone { on },
            Some(kind) => Fact::There { on, kind, options: Document::new() },
        };
        let difference = match (wanted, found) {
            (None, Some(kind)) => Difference {
                // An application creates a collection by writing to it.
                is_notice: true,
                ..self.difference(owner, format!("{} '{name}'", word(kind)), "none".into(), Some("there again".into()))
            },
            (Some(kind), None) => {
                self.difference(owner, format!("{} '{name}'", word(kind)), format!("a {}", word(kind)), None)
            }
            (wanted, found) => {
                let say = |kind: Option<Kind>| kind.map(|kind| format!("a {}", word(kind)));
                self.difference(owner, format!("'{name}'"), say(wanted).unwrap_or_default(), say(found))
            }
        };
        Difference { fact: Some(fact), ..difference }
    }

    fn index(
        &self,
        owner: Owner,
        on: &str,
        name: &str,
        wanted: Option<&Document>,
        found: Option<&Index>,
    ) -> Option<Difference> {
        let object = format!("index '{name}' of '{on}'");
        let expected = wanted.map_or_else(|| "none".to_owned(), specification);
        let fact = |spec: Option<Document>| Fact::Index { on: on.to_owned(), name: name.to_owned(), spec };
        match (wanted, found) {
            (None, None) => None,
            (Some(_), None) => {
                Some(Difference { fact: Some(fact(None)), ..self.difference(owner, object, expected, None) })
            }
            (_, Some(index)) if index.is_building => {
                let found = format!("{}, still being built", specification(&index.spec));
                Some(Difference { is_notice: true, ..self.difference(owner, object, expected, Some(found)) })
            }
            (Some(wanted), Some(index)) if index_covers(&index.spec, wanted) => None,
            (_, Some(index)) => {
                let found = specification(&index.spec);
                let fact = Some(fact(Some(index.spec.clone())));
                Some(Difference { fact, ..self.difference(owner, object, expected, Some(found)) })
            }
        }
    }

    fn difference(&self, owner: Owner, object: String, expected: String, found: Option<String>) -> Difference {
        let (id, order) = self.owners[owner].clone();
        let found = found.unwrap_or_else(|| "none".to_owned());
        Difference { id, order, object, expected, found, is_notice: false, fact: None }
    }
}

/// Formats an index without its name and the fields that are not compared.
fn specification(spec: &Document) -> String {
    let counts = |(key, _): &(&String, &Bson)| key.as_str() != "name" && !NOT_COMPARED.contains(&key.as_str());
    let counts = spec.iter().filter(counts).map(|(key, value)| (key.clone(), value.clone()));
    shown(&Bson::Document(counts.collect()))
}

fn shown(value: &Bson) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{} ..", &text[..end]),
    }
}

#[cfg(test)]
mod tests;
