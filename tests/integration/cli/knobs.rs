//! What makes the migrations of `my-app` wait and fail.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate_tests::stored::{count, record};
use mongrate_tests::{MyApp, Running, eventually};

/// The ids of all migrations that the program has.
pub(crate) const IDS: [&str; 6] = [
    "001_create_users",
    "002_assign_roles",
    "003_lower_emails",
    "004_shrink_orders",
    "module:menu:001_namespace",
    "module:menu:002_prices",
];

/// One that takes `&Database`, so that it can be held.
pub(crate) const HELD: &str = "003_lower_emails";

/// From now on this migration, which takes `&Database`, waits.
pub(crate) async fn hold(db: &Database, id: &str) {
    turn(db, id, "hold").await;
}

/// From now on this migration fails: `could not write the users: the disk is full`.
pub(crate) async fn fail(db: &Database, id: &str) {
    turn(db, id, "fail").await;
}

/// From now on this migration, which takes `&Database`, blocks its thread.
pub(crate) async fn block(db: &Database, id: &str) {
    turn(db, id, "block").await;
}

/// It does what it should again.
pub(crate) async fn mend(db: &Database, id: &str) {
    db.collection::<Document>("knobs").delete_one(doc! { "_id": id }).await.unwrap();
}

/// An `up` that stands still within [`HELD`], and has the lock.
pub(crate) async fn held(app: &MyApp, db: &Database) -> Running {
    hold(db, HELD).await;
    let running = app.start(["up"]);
    let pid = i64::from(running.pid());
    eventually("the held migration to run", async || {
        let record = record(db, HELD).await?;
        let (status, by) = (record.get_str("status").ok()?, record.get_i64("pid").ok()?);
        (status == "running" && by == pid).then_some(())
    })
    .await;
    running
}

/// Waits until the lock tells that [`HELD`] is running, as it does from the next heartbeat on.
pub(crate) async fn heartbeat(db: &Database) {
    eventually("a heartbeat", async || {
        (count(db, "migrations_lock", doc! { "holder.current": HELD }).await == 1).then_some(())
    })
    .await;
}

async fn turn(db: &Database, id: &str, knob: &str) {
    let knobs = db.collection::<Document>("knobs");
    knobs.update_one(doc! { "_id": id }, doc! { "$set": { knob: true } }).upsert(true).await.unwrap();
}
