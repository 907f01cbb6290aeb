//! Inspecting and releasing the lock.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::history::Act;
use mongrate::{Error, Tx, migration};
use mongrate_tests::stored::{
    can_be_written, collections, count, documents, fingerprint, lease_is_free, migrator, status, step, steps,
};
use mongrate_tests::{Gate, TestDb, Worker, eventually};

static RUNS: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_stuck", source = "module:unlock")]
async fn stuck(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "stuck").await?;
    if tx.collection::<Document>("patience").find_one(doc! {}).await?.is_some() {
        RUNS.open();
        GOES.pass().await;
        step(tx, "too late").await?;
    }
    Ok(())
}

#[migration(id = "001_quick", source = "module:unlock-quick")]
async fn quick(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "quick").await?)
}

#[tokio::test]
async fn i4_reading_the_lock_status_writes_nothing() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:unlock-quick").build().unwrap();
    let status = migrator.lock_status().await.unwrap();
    assert_eq!((status.holder.as_ref(), status.token, status.held_for), (None, 0, None));
    assert_eq!(status.to_string(), "The migration lock is free.");
    assert!(migrator.force_unlock().await.unwrap().is_none());
    assert_eq!(db.commands().take(), ["find", "find", "listCollections", "find"]);
    assert!(collections(&db).await.is_empty());

    migrator.up().await.unwrap();
    let status = migrator.lock_status().await.unwrap();
    assert_eq!((status.holder, status.token), (None, 1));
}

/// The holder lives, and is fenced off rather than joined.
#[tokio::test]
async fn i2_a_live_holder_commits_nothing_more() {
    let db = TestDb::new().await;
    db.collection::<Document>("patience").insert_one(doc! {}).await.unwrap();
    let holder = migrator(&db, "module:unlock").actor("first").lease(Duration::from_secs(4)).build().unwrap();
    let run = tokio::spawn(holder.up().into_future());
    RUNS.pass().await;
    let operator = migrator(&db, "module:unlock").actor("operator").build().unwrap();
    // Its migration travels with a heartbeat.
    let seen = eventually("the holder to say what it runs", async || {
        let seen = operator.lock_status().await.unwrap();
        seen.holder.as_ref().is_some_and(|holder| holder.current.is_some()).then_some(seen)
    });
    let seen = seen.await;
    println!("{seen}");
    let holder = seen.holder.unwrap();
    assert_eq!(holder.actor.as_deref(), Some("first"));
    assert_eq!(holder.current.as_deref(), Some("module:unlock:001_stuck"));
    assert!(seen.held_for.unwrap() < Duration::from_secs(30) && seen.expires_at.unwrap() > holder.since);

    let former = operator.force_unlock().because("it hangs").await.unwrap().unwrap();
    assert_eq!(former, holder);
    // Its transaction is gone at once, though it does not know yet.
    can_be_written(&db, "steps").await;
    assert!(lease_is_free(&db).await);
    db.collection::<Document>("patience").drop().await.unwrap();
    operator.up().await.unwrap();
    GOES.open();
    let error = run.await.unwrap().unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::LeaseLost { .. }), "{error}");
    assert_eq!(steps(&db).await, ["stuck"]);
    assert_eq!(status(&db, "module:unlock:001_stuck").await, "completed");

    let page = operator.history().await.unwrap();
    println!("{page}");
    let entry = page.entries.iter().find(|entry| entry.act == Act::Unlock).unwrap();
    assert_eq!((entry.by.as_deref(), entry.because.as_deref()), (Some("operator"), Some("it hangs")));
    assert_eq!(entry.holder.as_ref().unwrap().pid, former.pid);
    assert_eq!(entry.token, seen.token + 1);
}

/// A person decided about the holder that was seen, not about the one that has followed.
#[tokio::test]
async fn an_unlock_of_an_old_lease_writes_nothing() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "600000", "die", "body 001_first"]);
    worker.finish().await;
    let migrator = migrator(&db, "module:unlock-quick").build().unwrap();
    let token = migrator.lock_status().await.unwrap().token;
    // Not its hash: the transaction of the dead process blocks that.
    let before = documents(&db, "migrations_lock").await;
    let error = migrator.force_unlock().only(token - 1).await.unwrap_err();
    println!("{error}");
    let Error::HolderChanged { holder: Some(holder) } = &error else { panic!("{error:?}") };
    assert_eq!(holder.pid, i64::from(worker.pid()));
    assert_eq!(documents(&db, "migrations_lock").await, before);
    assert_eq!(count(&db, "migrations_history", doc! {}).await, 0);

    let holder = migrator.force_unlock().only(token).because("it was killed").await.unwrap().unwrap();
    assert_eq!(holder.pid, i64::from(worker.pid()));
    assert!(lease_is_free(&db).await);
    // Free, with a newer token, and once more under its token.
    let before = fingerprint(&db).await;
    for token in [token, token + 1] {
        let error = migrator.force_unlock().only(token).await.unwrap_err();
        assert!(matches!(error, Error::HolderChanged { holder: None }), "{error}");
    }
    assert_eq!(fingerprint(&db).await, before);
}

/// There is no wait for a dead holder.
#[tokio::test]
async fn a_dead_holder_is_removed_at_once() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "600000", "die", "body 001_first"]);
    worker.finish().await;
    let successor = mongrate_tests::crash::migrator(db.database().clone(), Duration::from_secs(60));
    assert!(successor.force_unlock().by("ana").because("it was killed").await.unwrap().is_some());
    assert_eq!(successor.up().await.unwrap().applied().count(), 4);
}

/// One of the two documents is lost: nothing goes on, until the lock is made whole.
#[tokio::test]
async fn a_damaged_lock_is_repaired() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:unlock-quick").build().unwrap();
    migrator.up().await.unwrap();
    db.collection::<Document>("migrations_lock").delete_one(doc! { "_id": "fence" }).await.unwrap();
    migrator.force_unlock().await.unwrap();
    migrator.mark_pending(["module:unlock-quick:001_quick"]).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(steps(&db).await, ["quick", "quick"]);
    assert_eq!(count(&db, "migrations_lock", doc! {}).await, 2);
}
