//! Stopping a run over many databases.

use mongodb::bson::doc;
use mongrate::{Tx, migration};
use mongrate_tests::stored::{can_be_written, collections, count, lease_is_free, migrator, step, steps};
use mongrate_tests::{Gate, TestDb, Worker, eventually, fleet};

use super::{existing, for_each};

static RUN: Gate = Gate::new();

#[migration(id = "001_never_ends", source = "module:tenants-stop")]
async fn never_ends(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "never").await?;
    RUN.open();
    std::future::pending().await
}

#[tokio::test]
async fn i6_dropping_the_future_stops_all_runs() {
    let db = TestDb::new().await;
    let [ana, bob, cyd] = existing(&db, ["ana", "bob", "cyd"]).await;
    let run = tokio::spawn(for_each(&db, "module:tenants-stop").concurrency(2).into_future());
    RUN.pass().await;
    RUN.pass().await;
    run.abort();
    for tenant in [&ana, &bob] {
        eventually("the lease to be released", async || lease_is_free(tenant).await.then_some(())).await;
        assert!(steps(tenant).await.is_empty());
        can_be_written(tenant, "steps").await;
    }
    assert_eq!(collections(&cyd).await, ["told"]);
    // And they can be migrated.
    assert!(migrator(&ana, "module:tenants").build().unwrap().up().await.is_ok());
}

/// Signals are the process's, so this takes one.
#[tokio::test]
async fn i6_a_signal_stops_all_runs() {
    let db = TestDb::new().await;
    let tenants = existing(&db, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]).await;
    let mut worker = Worker::start(&["tenants", db.uri(), &db.tenants(), fleet::SOURCES[0]]);
    assert_eq!(worker.line().await.as_deref(), Some("ready"));
    worker.go();
    eventually("the first effect", async || (count(&tenants[0], "effects", doc! {}).await > 0).then_some(())).await;
    worker.terminate();
    let told = worker.rest().await;
    assert!(told[0].ends_with(" of 12 databases could not be migrated:"), "{told:?}");
    assert!(told[1..].iter().all(|line| line.contains(": the run was interrupted. ")), "{told:?}");
    let mut begun = 0;
    for tenant in &tenants {
        let records = count(tenant, "migrations", doc! {}).await;
        assert_eq!(count(tenant, "effects", doc! {}).await, records, "an effect and its record come together");
        if collections(tenant).await != ["told"] {
            begun += 1;
            assert!(lease_is_free(tenant).await);
        }
    }
    assert!(begun <= 8, "{begun} were begun, of which 8 at a time, although none can have ended: {told:?}");

    for_each(&db, fleet::SOURCES[0]).await.unwrap().into_result().unwrap();
    for tenant in &tenants {
        assert_eq!(count(tenant, "effects", doc! {}).await, fleet::COUNT as u64);
    }
}
