//! The operations in progress on a server.

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};

/// Returns all matching operations from `$currentOp`.
pub async fn operations(db: &Database, filter: Document) -> Vec<Document> {
    let all = doc! { "$currentOp": { "allUsers": true, "idleConnections": false } };
    let found = db.client().database("admin").aggregate([all, doc! { "$match": filter }]).await.unwrap();
    found.try_collect().await.unwrap()
}

/// Counts the running commands of this name in this database.
pub async fn commands(db: &Database, name: &str) -> usize {
    operations(db, doc! { format!("command.{name}"): { "$exists": true }, "command.$db": db.name() }).await.len()
}

/// Returns the UUID of the index build of this collection.
pub async fn build(db: &Database, collection: &str) -> Option<Bson> {
    let list = doc! { "listIndexes": collection, "includeBuildUUIDs": true };
    let listed = db.run_command(list).await.ok()?;
    let indexes = listed.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    indexes.iter().find_map(|index| index.as_document().unwrap().get("buildUUID").cloned())
}
