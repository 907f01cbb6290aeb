//! What a server has under way.

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};

/// All operations, as `$currentOp` has them, that match.
pub async fn operations(db: &Database, filter: Document) -> Vec<Document> {
    let all = doc! { "$currentOp": { "allUsers": true, "idleConnections": false } };
    let found = db.client().database("admin").aggregate([all, doc! { "$match": filter }]).await.unwrap();
    found.try_collect().await.unwrap()
}

/// How many commands of this name run in this database.
pub async fn commands(db: &Database, name: &str) -> usize {
    operations(db, doc! { format!("command.{name}"): { "$exists": true }, "command.$db": db.name() }).await.len()
}

/// What identifies the build of an index of this collection.
pub async fn build(db: &Database, collection: &str) -> Option<Bson> {
    let list = doc! { "listIndexes": collection, "includeBuildUUIDs": true };
    let listed = db.run_command(list).await.ok()?;
    let indexes = listed.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    indexes.iter().find_map(|index| index.as_document().unwrap().get("buildUUID").cloned())
}
