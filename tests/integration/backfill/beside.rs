//! Backfills on which a service works: one fails, or is reverted.

use std::num::NonZeroU32;

use mongodb::bson::{Document, doc};
use mongrate::context::{Change, Pace};
use mongrate::{Backfill, Error, Migrator, Registry, Tx, migration};
use mongrate_tests::crash::backfill::{ID, MANY, SOURCE, fill};
use mongrate_tests::stored::{count, record, status};
use mongrate_tests::{TestDb, eventually};

use super::quick;

#[migration(id = "001_fails", source = "module:beside")]
async fn fails(backfill: &mut Backfill) -> Result<(), Error> {
    let refuse = |_: Document| Err::<Change, _>("no order may be changed");
    backfill.collection("orders").each(refuse).await
}

#[migration(id = "002_goes_on", source = "module:beside")]
async fn goes_on(backfill: &mut Backfill) -> Result<(), Error> {
    let rate = Pace::Rate(NonZeroU32::new(8_000).unwrap());
    backfill.collection("orders").pace(rate).update(doc! { "$inc": { "n": 1 } }).await
}

#[migration(id = "003_dependent", source = "module:beside", deps = ["module:beside:002_goes_on"])]
async fn dependent(tx: &mut Tx) -> Result<(), Error> {
    tx.collection("log").insert_one(doc! { "_id": "dependent" }).await?;
    Ok(())
}

#[migration(id = "004_waits", source = "module:beside", deps = ["module:beside:001_fails"])]
async fn waits(tx: &mut Tx) -> Result<(), Error> {
    tx.collection("log").insert_one(doc! { "_id": "waits" }).await?;
    Ok(())
}

/// The others are completed, with what waits for them. The next boot tries the one that failed again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_backfill_that_fails_does_not_stop_the_others() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let registry = || Registry::linked().source("module:beside");
    let boot = || Migrator::builder((*db).clone()).registry(registry()).assume_new().boot();
    let variables = |name: &str| (name == "MONGRATE_FAIL_HARD").then_some("false");
    for attempts in [1, 2] {
        let mut booted = boot().variables(variables).await.unwrap();
        booted.backfilled().await;
        assert_eq!(status(&db, "module:beside:001_fails").await, "failed");
        let failed = record(&db, "module:beside:001_fails").await.unwrap();
        assert_eq!(failed.get_i64("attempts").unwrap(), attempts);
        assert_eq!(status(&db, "module:beside:002_goes_on").await, "completed");
        assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, MANY.unsigned_abs());
        assert_eq!(count(&db, "log", doc! {}).await, 1);
    }
}

/// The next boot would start it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_service_leaves_a_backfill_that_was_reverted() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let builder = Migrator::builder((*db).clone()).registry(Registry::linked().source(SOURCE)).assume_new();
    quick(&db).up().background(true).await.unwrap();
    quick(&db).steer(ID).pace(Pace::Rate(NonZeroU32::new(3_000).unwrap())).await.unwrap();
    let mut booted = builder.boot().variables(|_| None::<String>).await.unwrap();
    let some = async || (count(&db, "orders", doc! { "n": 1 }).await > 1_000).then_some(());
    eventually("documents are changed", some).await;
    quick(&db).down().only(ID).await.unwrap();
    booted.backfilled().await;
    assert_eq!(status(&db, ID).await, "rolled-back");
    let both = count(&db, "orders", doc! { "n": 1, "m": 1 }).await;
    assert_eq!(both + count(&db, "orders", doc! { "n": null, "m": null }).await, 12_000);
}
