//! Names and indexes as earlier operations of the same dry run would have left them: one that creates a collection and one
//! that changes it, say, must not seem to contradict each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mongodb::bson::Document;

/// Shared by all `Schema` steps of a dry run, which are checked in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Projection(Arc<Mutex<Changes>>);

#[derive(Debug, Default)]
struct Changes {
    names: HashMap<String, Place>,
    indexes: HashMap<String, Vec<IndexChange>>,
}

/// What is under a name.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// What the server has under this name, which may be another one.
    Stored(String),
    /// A collection or a view that an operation would have created.
    New { is_view: bool, options: Document },
    /// Nothing.
    Gone,
}

#[derive(Clone, Debug)]
enum IndexChange {
    Created(Document),
    Dropped(String),
}

impl Projection {
    pub(super) fn place(&self, name: &str) -> Place {
        self.changes().names.get(name).cloned().unwrap_or_else(|| Place::Stored(name.to_owned()))
    }

    pub(super) fn create(&self, name: &str, is_view: bool, options: Document) {
        self.changes().names.insert(name.to_owned(), Place::New { is_view, options });
    }

    pub(super) fn drop(&self, name: &str) {
        let mut changes = self.changes();
        changes.names.insert(name.to_owned(), Place::Gone);
        changes.indexes.remove(name);
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        let place = self.place(from);
        let mut changes = self.changes();
        changes.names.insert(from.to_owned(), Place::Gone);
        changes.names.insert(to.to_owned(), place);
        let indexes = changes.indexes.remove(from).unwrap_or_default();
        changes.indexes.insert(to.to_owned(), indexes);
    }

    pub(super) fn create_index(&self, collection: &str, index: Document) {
        self.changes().indexes.entry(collection.to_owned()).or_default().push(IndexChange::Created(index));
    }

    pub(super) fn drop_index(&self, collection: &str, name: &str) {
        self.changes().indexes.entry(collection.to_owned()).or_default().push(IndexChange::Dropped(name.to_owned()));
    }

    /// The indexes of a collection, given those that the server has.
    pub(super) fn indexes(&self, collection: &str, mut indexes: Vec<Document>) -> Vec<Document> {
        for change in self.changes().indexes.get(collection).into_iter().flatten() {
            match change {
                IndexChange::Created(index) => indexes.push(index.clone()),
                IndexChange::Dropped(name) => {
                    let is = |there: &str| if name == "*" { there != "_id_" } else { there == name };
                    indexes.retain(|index| !index.get_str("name").is_ok_and(is));
                }
            }
        }
        indexes
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
