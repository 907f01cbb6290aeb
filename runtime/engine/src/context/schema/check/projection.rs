//! The collections, views and indexes that would exist after the earlier operations of a dry run. Without it, changing a
//! collection that an earlier operation would create would seem to fail.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mongodb::bson::Document;

use crate::context::catalog::{Index, ListedKind};
use crate::context::journal::Found;
use crate::context::schema::effect::Effect;
use crate::report::Prediction;

/// Shared by all `Schema` steps of a dry run, which are checked in order.
#[derive(Clone, Debug)]
pub(crate) struct Projection {
    /// Whether the server has transactions, in which operations can be tried.
    pub(super) transactional: bool,
    changes: Arc<Mutex<Changes>>,
}

#[derive(Debug, Default)]
struct Changes {
    names: HashMap<String, Place>,
    indexes: HashMap<String, Vec<IndexChange>>,
    /// Names with an operation whose effect is not projected.
    doubtful: HashSet<String>,
}

/// The state of a name after earlier operations.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// No operation has changed it.
    Untouched,
    Gone,
    Changed(Described),
}

/// A collection or view after earlier operations.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) kind: ListedKind,
    pub(super) options: Document,
    /// Its current name on the server. `None` for a collection that would have been created.
    pub(super) stored: Option<String>,
}

#[derive(Clone, Debug)]
enum IndexChange {
    Created(Document),
    Dropped(String),
}

impl Projection {
    pub(crate) fn new(transactional: bool) -> Self {
        Self { transactional, changes: Arc::default() }
    }

    /// Adds the names of an effect that cannot be predicted, or is not projected in full.
    pub(in super::super) fn doubt(&self, effect: &Effect, found: &Found) {
        let hides = matches!(effect, Effect::Modify { fields, .. } if fields.contains_key("index"));
        if found.prediction == Prediction::CannotTell || hides {
            self.changes().doubtful.insert(effect.on().to_owned());
            if let Effect::Rename { to, .. } = effect {
                self.changes().doubtful.insert(to.clone());
            }
        }
    }

    pub(super) fn is_doubtful(&self, name: &str) -> bool {
        self.changes().doubtful.contains(name)
    }

    pub(super) fn place(&self, name: &str) -> Place {
        self.changes().names.get(name).cloned().unwrap_or(Place::Untouched)
    }

    pub(super) fn put(&self, name: &str, described: Described) {
        self.changes().names.insert(name.to_owned(), Place::Changed(described));
    }

    pub(super) fn create(&self, name: &str, kind: ListedKind, options: Document) {
        self.put(name, Described { kind, options, stored: None });
    }

    pub(super) fn drop(&self, name: &str) {
        let mut changes = self.changes();
        changes.names.insert(name.to_owned(), Place::Gone);
        changes.indexes.remove(name);
    }

    pub(super) fn rename(&self, from: &str, to: &str, described: Described) {
        let mut changes = self.changes();
        changes.names.insert(from.to_owned(), Place::Gone);
        changes.names.insert(to.to_owned(), Place::Changed(described));
        if changes.doubtful.contains(from) {
            changes.doubtful.insert(to.to_owned());
        }
        let indexes = changes.indexes.remove(from).unwrap_or_default();
        changes.indexes.insert(to.to_owned(), indexes);
    }

    pub(super) fn create_index(&self, collection: &str, index: Document) {
        self.changes().indexes.entry(collection.to_owned()).or_default().push(IndexChange::Created(index));
    }

    pub(super) fn drop_index(&self, collection: &str, name: &str) {
        self.changes().indexes.entry(collection.to_owned()).or_default().push(IndexChange::Dropped(name.to_owned()));
    }

    /// Applies the changes of earlier operations to the indexes that the server has.
    pub(super) fn indexes(&self, collection: &str, mut indexes: Vec<Index>) -> Vec<Index> {
        for change in self.changes().indexes.get(collection).into_iter().flatten() {
            match change {
                IndexChange::Created(spec) => indexes.push(Index { spec: spec.clone(), is_building: false }),
                IndexChange::Dropped(name) => indexes.retain(|index| !index.is_dropped_by(name)),
            }
        }
        indexes
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
