//! What makes the migrations of `my-app` wait and fail.

use mongodb::Database;
use mongodb::bson::{Document, doc};

/// Makes a migration that takes `&Database` wait.
pub(super) async fn hold(db: &Database, id: &str) {
    turn(db, id, doc! { "_id": id, "hold": true }).await;
}

/// Makes a migration fail: `could not write the users: the disk is full`.
pub(super) async fn fail(db: &Database, id: &str) {
    turn(db, id, doc! { "_id": id, "fail": true }).await;
}

/// Lets it go on.
pub(super) async fn let_go(db: &Database, id: &str) {
    db.collection::<Document>("knobs").delete_one(doc! { "_id": id }).await.unwrap();
}

async fn turn(db: &Database, id: &str, knob: Document) {
    db.collection::<Document>("knobs").replace_one(doc! { "_id": id }, knob).upsert(true).await.unwrap();
}
