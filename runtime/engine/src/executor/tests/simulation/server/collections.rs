//! Collections and indexes at the server.

use std::collections::BTreeMap;

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, doc};

/// Server codes.
const NAMESPACE_NOT_FOUND: i32 = 26;
const INDEX_NOT_FOUND: i32 = 27;
const NAMESPACE_EXISTS: i32 = 48;
const INDEX_KEY_SPECS_CONFLICT: i32 = 86;
const COLLECTION_UUID_MISMATCH: i32 = 361;

/// The database, and in it the collection of the records.
pub(crate) const DATABASE: &str = "app";
pub(crate) const HOME: &str = "records";

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Collection {
    uuid: u64,
    /// Its initial documents; may be empty.
    pub(crate) documents: &'static str,
    pub(crate) indexes: BTreeMap<String, Document>,
}

/// The document that the application writes into a collection that it creates.
pub(crate) const WRITTEN: &str = "the application's";

/// By name.
pub(crate) type Collections = BTreeMap<String, Collection>;

impl Collection {
    pub(crate) fn new(uuid: u64, documents: &'static str) -> Self {
        Self { uuid, documents, indexes: BTreeMap::new() }
    }

    pub(crate) fn with_index(mut self, spec: Document) -> Self {
        self.indexes.insert(name(&spec), spec);
        self
    }
}

/// The documents of each collection.
pub(crate) fn contents(collections: &Collections) -> BTreeMap<&str, &'static str> {
    collections.iter().map(|(name, collection)| (name.as_str(), collection.documents)).collect()
}

/// The indexes of each collection.
pub(crate) fn indexes(collections: &Collections) -> BTreeMap<&str, &BTreeMap<String, Document>> {
    collections.iter().map(|(name, collection)| (name.as_str(), &collection.indexes)).collect()
}

/// As listed by `listCollections`.
pub(crate) fn listed(collections: &Collections) -> Vec<Document> {
    let listed = |name: &str, number| {
        doc! { "name": name, "type": "collection", "options": {}, "info": { "uuid": uuid(number) } }
    };
    let home = listed(HOME, u64::MAX);
    collections.iter().map(|(name, collection)| listed(name, collection.uuid)).chain([home]).collect()
}

/// The collection that a command is about.
pub(super) fn target(command: &Document) -> &str {
    let (_, on) = command.iter().next().expect("a command");
    let on = on.as_str().expect("the name of a collection");
    on.strip_prefix(DATABASE).and_then(|on| on.strip_prefix('.')).unwrap_or(on)
}

/// The index to create by `createIndexes`.
pub(super) fn index(command: &Document) -> Option<&Document> {
    command.get_array("indexes").ok()?.first()?.as_document()
}

/// Executes a command. A created collection gets the UUID `next`.
pub(super) fn execute(there: &mut Collections, command: &Document, next: u64) -> Result<(), i32> {
    let (direction, on) = (command.keys().next().map(String::as_str), target(command));
    if let Some(meant) = command.get("collectionUUID")
        && there.get(on).is_none_or(|there| Bson::from(uuid(there.uuid)) != *meant)
    {
        return Err(COLLECTION_UUID_MISMATCH);
    }
    match direction {
        Some("drop") => there.remove(on).map(drop).ok_or(NAMESPACE_NOT_FOUND),
        Some("renameCollection") => {
            let to = command.get_str("to").unwrap_or_default().trim_start_matches("app.");
            match (there.get(to), command.get("dropTarget")) {
                (None, None) => {}
                (Some(_), None) => return Err(NAMESPACE_EXISTS),
                (Some(target), Some(meant)) if Bson::from(uuid(target.uuid)) == *meant => {}
                (_, Some(_)) => return Err(COLLECTION_UUID_MISMATCH),
            }
            let moved = there.remove(on).ok_or(NAMESPACE_NOT_FOUND)?;
            there.insert(to.to_owned(), moved);
            Ok(())
        }
        Some("create") if there.contains_key(on) => Err(NAMESPACE_EXISTS),
        Some("create") => {
            there.insert(on.to_owned(), Collection::new(next, ""));
            Ok(())
        }
        Some("createIndexes") => {
            let spec = index(command).expect("an index").clone();
            let collection = there.entry(on.to_owned()).or_insert_with(|| Collection::new(next, ""));
            let found = collection.indexes.entry(name(&spec)).or_insert_with(|| spec.clone());
            if *found == spec { Ok(()) } else { Err(INDEX_KEY_SPECS_CONFLICT) }
        }
        Some("dropIndexes") => {
            let collection = there.get_mut(on).ok_or(NAMESPACE_NOT_FOUND)?;
            let dropped = collection.indexes.remove(command.get_str("index").unwrap_or_default());
            dropped.map(drop).ok_or(INDEX_NOT_FOUND)
        }
        other => unreachable!("no effect sends {other:?}"),
    }
}

pub(super) fn name(spec: &Document) -> String {
    spec.get_str("name").unwrap_or_default().to_owned()
}

/// Returns whether a command belongs to an entry of the log.
pub(super) fn is_of(command: &Document, entry: &Document) -> bool {
    let named = |field: &str| entry.get_str(field).ok();
    if named("on") != Some(target(command)) {
        return false;
    }
    match (command.keys().next().map(String::as_str), named("op")) {
        (Some("drop"), Some("drop_collection"))
        | (Some("renameCollection"), Some("rename_collection"))
        | (Some("create"), Some("create_collection")) => true,
        (Some("createIndexes"), Some("create_index")) => {
            index(command).map(name) == entry.get_document("spec").ok().map(name)
        }
        (Some("dropIndexes"), Some("drop_index")) => command.get_str("index").ok() == named("index"),
        _ => false,
    }
}

fn uuid(number: u64) -> Binary {
    Binary { subtype: BinarySubtype::Uuid, bytes: u128::from(number).to_be_bytes().to_vec() }
}
