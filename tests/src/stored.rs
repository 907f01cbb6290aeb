//! Reads the contents of a database directly: effects, not acknowledgments.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Migrator, MigratorBuilder, Registry, Tx};

/// Builds a migrator for the migrations of one test, which have their own source.
pub fn migrator(db: &Database, source: &str) -> MigratorBuilder {
    Migrator::builder(db.clone()).registry(Registry::linked().source(source))
}

/// Returns the migrations of several sources.
#[must_use]
pub fn registry(sources: &[&str]) -> Registry {
    let linked = Registry::linked();
    linked.into_iter().filter(|migration| sources.contains(&migration.source().to_string().as_str())).collect()
}

/// Counts the matching documents.
pub async fn count(db: &Database, collection: &str, filter: Document) -> u64 {
    db.collection::<Document>(collection).count_documents(filter).await.unwrap()
}

/// Returns all documents of a collection, ordered by `_id`.
pub async fn documents(db: &Database, collection: &str) -> Vec<Document> {
    let found = db.collection::<Document>(collection).find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
    found.try_collect().await.unwrap()
}

/// Returns the stored record of a migration.
pub async fn record(db: &Database, id: &str) -> Option<Document> {
    db.collection::<Document>("migrations").find_one(doc! { "_id": id }).await.unwrap()
}

/// Returns the stored status of a migration, or an empty string without a record.
pub async fn status(db: &Database, id: &str) -> String {
    record(db, id).await.map_or_else(String::new, |record| record.get_str("status").unwrap().to_owned())
}

/// Returns the status of all executions of a migration, in order.
pub async fn history(db: &Database, id: &str) -> Vec<String> {
    let entries = db.collection::<Document>("migrations_history");
    let entries = entries.find(doc! { "migrationId": id }).sort(doc! { "executedAt": 1, "_id": 1 }).await.unwrap();
    let entries: Vec<_> = entries.try_collect().await.unwrap();
    entries.iter().map(|entry| entry.get_str("status").unwrap().to_owned()).collect()
}

/// Returns all history entries in order, except those that end a run.
pub async fn executions(db: &Database) -> Vec<Document> {
    let entries = documents(db, "migrations_history").await;
    entries.into_iter().filter(|entry| entry.get_str("act").unwrap() != "run").collect()
}

/// Returns whether the lease is free (I6).
pub async fn lease_is_free(db: &Database) -> bool {
    count(db, "migrations_lock", doc! { "_id": "lease", "holder": null }).await == 1
}

/// Asserts that no open transaction has written to a collection: a write would conflict with it, and DDL would wait.
pub async fn can_be_written(db: &Database, collection: &str) {
    let touch = doc! { "q": {}, "u": { "$inc": { "touched": 1 } }, "multi": true };
    let index = doc! { "key": { "touched": 1 }, "name": "touched" };
    for mut command in [
        doc! { "update": collection, "updates": [touch] },
        doc! { "createIndexes": collection, "indexes": [index] },
        doc! { "dropIndexes": collection, "index": "touched" },
    ] {
        command.insert("maxTimeMS", 3000);
        let written = db.run_command(command).await;
        assert!(written.is_ok(), "an open transaction holds '{collection}': {written:?}");
    }
}

/// Returns the names of the collections, in order.
pub async fn collections(db: &Database) -> Vec<String> {
    let mut names = db.list_collection_names().await.unwrap();
    names.sort_unstable();
    names
}

/// Returns a hash of the contents of each collection. Equal hashes mean that nothing was written.
pub async fn fingerprint(db: &Database) -> BTreeMap<String, String> {
    let hashes = db.run_command(doc! { "dbHash": 1 }).await.unwrap();
    let hashes = hashes.get_document("collections").unwrap();
    hashes.iter().map(|(name, hash)| (name.clone(), hash.to_string())).collect()
}

/// Leaves a trace of a body, for [`steps`].
pub async fn step(tx: &Tx, name: &str) -> mongodb::error::Result<()> {
    let steps = tx.collection::<Document>("steps");
    let before = i64::try_from(steps.count_documents(doc! {}).await?).unwrap();
    steps.insert_one(doc! { "name": name, "place": before }).await?;
    Ok(())
}

/// Returns the traces that bodies left, in order.
pub async fn steps(db: &Database) -> Vec<String> {
    let steps = db.collection::<Document>("steps").find(doc! {}).sort(doc! { "place": 1 }).await.unwrap();
    let steps: Vec<_> = steps.try_collect().await.unwrap();
    steps.iter().map(|step| step.get_str("name").unwrap().to_owned()).collect()
}

/// Sets a flag for the bodies of this database, which they read with [`told`].
pub async fn tell(db: &Database, what: &str) {
    db.collection::<Document>("told").insert_one(doc! { "_id": what }).await.unwrap();
}

/// Clears a flag.
pub async fn untell(db: &Database, what: &str) {
    db.collection::<Document>("told").delete_one(doc! { "_id": what }).await.unwrap();
}

/// Returns whether the test has set the flag.
pub async fn told(tx: &Tx, what: &str) -> mongodb::error::Result<bool> {
    Ok(tx.collection::<Document>("told").find_one(doc! { "_id": what }).await?.is_some())
}
