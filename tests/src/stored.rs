//! What is in a database after a run, read past Mongrate: effects, not acknowledgements.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Migrator, MigratorBuilder, Registry, Tx};

/// A migrator for the migrations of one test, which has a source of its own.
pub fn migrator(db: &Database, source: &str) -> MigratorBuilder {
    Migrator::builder(db.clone()).registry(Registry::linked().source(source))
}

/// The migrations of several sources, and nothing else.
#[must_use]
pub fn registry(sources: &[&str]) -> Registry {
    let linked = Registry::linked();
    linked.into_iter().filter(|migration| sources.contains(&migration.source().to_string().as_str())).collect()
}

/// How many documents match.
pub async fn count(db: &Database, collection: &str, filter: Document) -> u64 {
    db.collection::<Document>(collection).count_documents(filter).await.unwrap()
}

/// All documents of a collection, by `_id`.
pub async fn documents(db: &Database, collection: &str) -> Vec<Document> {
    let found = db.collection::<Document>(collection).find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
    found.try_collect().await.unwrap()
}

/// The record of a migration as it is stored.
pub async fn record(db: &Database, id: &str) -> Option<Document> {
    db.collection::<Document>("migrations").find_one(doc! { "_id": id }).await.unwrap()
}

/// The stored status of a migration; empty when there is no record.
pub async fn status(db: &Database, id: &str) -> String {
    record(db, id).await.map_or_else(String::new, |record| record.get_str("status").unwrap().to_owned())
}

/// The statuses of all executions of a migration, in their order.
pub async fn history(db: &Database, id: &str) -> Vec<String> {
    let entries = db.collection::<Document>("migrations_history");
    let entries = entries.find(doc! { "migrationId": id }).sort(doc! { "executedAt": 1, "_id": 1 }).await.unwrap();
    let entries: Vec<_> = entries.try_collect().await.unwrap();
    entries.iter().map(|entry| entry.get_str("status").unwrap().to_owned()).collect()
}

/// Whether nobody holds the lease (I6).
pub async fn lease_is_free(db: &Database) -> bool {
    count(db, "migrations_lock", doc! { "_id": "lease", "holder": null }).await == 1
}

/// Sees to it that no open transaction has written to a collection: a write would conflict with it, DDL would wait.
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

/// The collections of the database, in order.
pub async fn collections(db: &Database) -> Vec<String> {
    let mut names = db.list_collection_names().await.unwrap();
    names.sort_unstable();
    names
}

/// A fingerprint of each collection's content: the same before and after means that nothing was written.
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

/// The traces that bodies left, in order.
pub async fn steps(db: &Database) -> Vec<String> {
    let steps = db.collection::<Document>("steps").find(doc! {}).sort(doc! { "place": 1 }).await.unwrap();
    let steps: Vec<_> = steps.try_collect().await.unwrap();
    steps.iter().map(|step| step.get_str("name").unwrap().to_owned()).collect()
}

/// Tells the bodies of this database something, which they find with [`told`].
pub async fn tell(db: &Database, what: &str) {
    db.collection::<Document>("told").insert_one(doc! { "_id": what }).await.unwrap();
}

/// Takes back what was told.
pub async fn untell(db: &Database, what: &str) {
    db.collection::<Document>("told").delete_one(doc! { "_id": what }).await.unwrap();
}

/// Whether the test told this to the bodies.
pub async fn told(tx: &Tx, what: &str) -> mongodb::error::Result<bool> {
    Ok(tx.collection::<Document>("told").find_one(doc! { "_id": what }).await?.is_some())
}
