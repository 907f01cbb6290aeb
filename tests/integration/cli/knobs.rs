//! Making the migrations of `my-app` fail or wait: its documentation tells how they look for it.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate_tests::stored::status;
use mongrate_tests::{MyApp, Running, eventually};

/// The one that can be held: it runs outside transactions.
pub(crate) const HELD: &str = "003_lower_emails";

/// From now on this migration, which takes `&Database`, waits.
pub(crate) async fn hold(db: &Database, id: &str) {
    turn(db, id, "hold").await;
}

/// From now on this migration fails: `could not write the users: the disk is full`.
pub(crate) async fn fail(db: &Database, id: &str) {
    turn(db, id, "fail").await;
}

/// It does what it should again.
pub(crate) async fn mend(db: &Database, id: &str) {
    db.collection::<Document>("knobs").delete_one(doc! { "_id": id }).await.unwrap();
}

/// An `up` that stands still within a step, and holds the lock.
pub(crate) async fn held(app: &MyApp, db: &Database) -> Running {
    hold(db, HELD).await;
    let running = app.start(["up"]);
    eventually("the held migration to run", async || (status(db, HELD).await == "running").then_some(())).await;
    running
}

async fn turn(db: &Database, id: &str, knob: &str) {
    let knobs = db.collection::<Document>("knobs");
    knobs.update_one(doc! { "_id": id }, doc! { "$set": { knob: true } }).upsert(true).await.unwrap();
}
