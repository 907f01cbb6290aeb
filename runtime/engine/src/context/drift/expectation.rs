//! The combined footprint of all migrations.

use std::collections::{BTreeMap, BTreeSet};

use mongodb::bson::{Bson, Document};

use super::fact::{Fact, Facts, Kind};
use super::{Footprint, Position};
use crate::context::schema::effect::{ALL_INDEXES, Effect};

/// The index on `_id`, which is neither created nor dropped by anyone.
const PRIMARY: &str = "_id_";

/// The expected state of the database, with the migration that is responsible for each part. Later migrations win.
#[derive(Debug, Default)]
pub(crate) struct Expectation {
    /// The migrations, in order of execution.
    pub(super) owners: Vec<(String, Position)>,
    pub(super) collections: BTreeMap<String, Expected>,
}

/// Index into [`Expectation::owners`].
pub(super) type Owner = usize;

/// The expected state of one collection or view.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// The expected kind. `Some(None)` if nothing must exist, `None` if unknown.
    pub(super) presence: Option<(Option<Kind>, Owner)>,
    pub(super) options: BTreeMap<String, (Bson, Owner)>,
    pub(super) indexes: BTreeMap<String, (Option<Document>, Owner)>,
}

impl Expectation {
    /// Applies the facts in order of execution.
    pub(crate) fn of(mut footprints: Vec<Footprint>) -> Self {
        footprints.sort_by(|one, other| (one.order, &one.id).cmp(&(other.order, &other.id)));
        let mut expectation = Self::default();
        for (owner, footprint) in footprints.into_iter().enumerate() {
            expectation.owners.push((footprint.id, footprint.order));
            for fact in footprint.facts.iter() {
                expectation.apply(fact, owner);
            }
        }
        expectation
    }

    fn apply(&mut self, fact: &Fact, owner: Owner) {
        match fact {
            Fact::Renamed { from, to } => {
                let mut moved = self.collections.remove(from).unwrap_or_default();
                if !matches!(moved.presence, Some((Some(_), _))) {
                    moved.presence = Some((Some(Kind::Collection), owner));
                }
                self.collections.insert(to.clone(), moved);
                self.collections.insert(from.clone(), Expected::gone(owner));
            }
            Fact::Gone { on } => {
                self.collections.insert(on.clone(), Expected::gone(owner));
            }
            Fact::There { on, kind, options } => {
                let expected = self.collections.entry(on.clone()).or_default();
                expected.presence = Some((Some(*kind), owner));
                let options = options.iter().map(|(key, value)| (key.clone(), (value.clone(), owner)));
                expected.options.extend(options);
            }
            Fact::Index { on, name, spec } => {
                let expected = self.collections.entry(on.clone()).or_default();
                if spec.is_some() && !matches!(expected.presence, Some((Some(_), _))) {
                    // Creating an index creates its collection.
                    expected.presence = Some((Some(Kind::Collection), owner));
                }
                if name == ALL_INDEXES {
                    expected.indexes.retain(|name, _| name != PRIMARY);
                    expected.indexes.values_mut().for_each(|index| *index = (None, owner));
                } else if name != PRIMARY {
                    expected.indexes.insert(name.clone(), (spec.clone(), owner));
                }
            }
        }
    }

    /// Removes the objects of an effect in doubt.
    pub(crate) fn skip(&mut self, effect: &Effect) {
        match effect {
            Effect::CreateIndexes { on, .. } | Effect::DropIndex { on, .. } | Effect::DropIndexes { on } => {
                let Some(expected) = self.collections.get_mut(on) else { return };
                if matches!(expected.presence, Some((None, _))) {
                    expected.presence = None;
                }
                let about = Facts::of([effect]);
                for fact in about.iter() {
                    if let Fact::Index { name, .. } = fact {
                        expected.indexes.retain(|known, _| known != name && name != ALL_INDEXES);
                    }
                }
            }
            Effect::CreateCollection { name, .. }
            | Effect::CreateView { name, .. }
            | Effect::Modify { on: name, .. }
            | Effect::Drop { name } => {
                self.collections.remove(name);
            }
            Effect::Rename { from, to, .. } => {
                self.collections.remove(from);
                self.collections.remove(to);
            }
        }
    }

    /// Returns the names of all collections and views with an expectation.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.collections.keys().cloned().collect()
    }

    /// Returns the names of all collections with an expected index.
    pub(super) fn indexed(&self) -> BTreeSet<String> {
        let indexed = self.collections.iter().filter(|(_, expected)| !expected.indexes.is_empty());
        indexed.map(|(name, _)| name.clone()).collect()
    }
}

impl Expected {
    fn gone(owner: Owner) -> Self {
        Self { presence: Some((None, owner)), ..Self::default() }
    }
}
