//! Several processes: two applications over two migrators of one database.

use std::process;
use std::time::Duration;

use mongodb::bson::doc;
use mongrate_tests::http::{OPERATE, REPAIR};
use mongrate_tests::stored::{count, lease_is_free, steps, tell};
use mongrate_tests::{TestDb, Worker, crash};

use crate::browser::Browser;
use crate::migrations::{SLOW, begun, migrator};
use crate::served::Served;

async fn replica(db: &TestDb, name: &str) -> Served {
    let (database, _) = db.replica(name).await;
    Served::new(&migrator(&database, "slow").build().unwrap()).await
}

#[tokio::test]
async fn of_two_tabs_one_runs_and_the_other_shows_the_holder() {
    let db = TestDb::new().await;
    let served = replica(&db, "here").await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    let first = browser.driver.window().await.unwrap();
    browser.goto("plan").await;
    let second = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(second.clone()).await.unwrap();
    browser.goto("plan").await;
    browser.press("Run these 3").await;
    begun(&db).await;
    browser.driver.switch_to_window(first).await.unwrap();
    browser.press("Run these 3").await;
    browser.see("Not done").await;
    browser.see(&process::id().to_string()).await;
    let log = browser.log().await;
    assert!(log.len() == 1 && (log[0].message.contains("409") || log[0].message.contains("412")), "{log:?}");
    tell(&db, "go").await;
    browser.driver.switch_to_window(second).await.unwrap();
    browser.see("3 of 3 done").await;
    assert_eq!(steps(&db).await, ["imported", "counted", "archived"]);
    browser.finish().await;
}

#[tokio::test]
async fn a_run_of_another_process_is_seen_live() {
    let db = TestDb::new().await;
    let (here, there) = (replica(&db, "here").await, replica(&db, "there").await);
    let (one, other) = (Browser::signed_in(&here, OPERATE).await, Browser::signed_in(&there, OPERATE).await);
    other.see("3 migrations are pending").await;
    one.goto("plan").await;
    one.press("Run these 3").await;
    begun(&db).await;
    other.see("Migrations are running").await;
    other.see(SLOW).await;
    other.goto("run?id=1").await;
    other.see("1 step recorded so far").await;
    tell(&db, "go").await;
    other.see("Ended").await;
    one.see("3 of 3 done").await;
    one.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn a_run_is_stopped_on_the_other_replica_and_both_show_it() {
    let db = TestDb::new().await;
    let (here, there) = (replica(&db, "here").await, replica(&db, "there").await);
    let (one, other) = (Browser::signed_in(&here, OPERATE).await, Browser::signed_in(&there, OPERATE).await);
    one.goto("plan").await;
    one.press("Run these 3").await;
    begun(&db).await;
    other.press("Look at the run").await;
    other.see("1 step recorded so far").await;
    other.press("Stop…").await;
    other.fill("because", "too slow").await;
    other.press("Stop this run").await;
    // At the next heartbeat of the holder, whose page follows.
    one.see("What it had applied stays applied").await;
    other.see("What it had applied stays applied").await;
    one.check().await;
    assert_eq!(steps(&db).await, ["imported"]);
    // An operation of an aborted `&Database` body may still run at the server, so the lease is left to expire.
    assert!(!lease_is_free(&db).await);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "run", "status": "running" }).await, 1);
    one.finish().await;
    other.finish().await;
}

/// The lease of a process that is killed.
const LEASE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn the_run_of_a_killed_process_is_lost_and_another_takes_over() {
    let db = TestDb::new().await;
    let lease = LEASE.as_millis().to_string();
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), &lease, "die", "body 003_raw"]);
    let served = Served::new(&crash::migrator(db.database().clone(), LEASE)).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    worker.finish().await;
    browser.see("has ended without releasing the lock").await;
    browser.press("Look at the lock").await;
    browser.see("The lock was left behind").await;
    browser.check().await;
    browser.goto("run?id=1").await;
    browser.see("Lost").await;

    browser.goto("lock").await;
    browser.press("Plan a run that takes over…").await;
    browser.see("Left behind.").await;
    browser.press("Run these 2").await;
    browser.see("2 of 2 done").await;
    browser.goto("run?id=1").await;
    browser.see("Lost").await;
    assert!(lease_is_free(&db).await);
    browser.finish().await;
}

#[tokio::test]
async fn releasing_the_lock_needs_a_reason() {
    let db = TestDb::new().await;
    // The holder finds out at its next heartbeat.
    let holder = migrator(&db, "slow").lease(Duration::from_secs(6)).build().unwrap();
    let served = Served::new(&holder).await;
    let browser = Browser::signed_in(&served, REPAIR).await;
    browser.goto("plan").await;
    browser.press("Run these 3").await;
    begun(&db).await;
    browser.press("Lock").await;
    browser.see("The lock is held").await;
    browser.press("Release the lock").await;
    assert_eq!(browser.count("input[name=because]:invalid").await, 1);
    browser.check().await;
    browser.fill("because", "its host is gone").await;
    browser.press("Release the lock").await;
    browser.see("The lock is free").await;
    assert_eq!(count(&db, "migrations_history", doc! { "act": "unlock", "because": "its host is gone" }).await, 1);
    tell(&db, "go").await;
    browser.goto("run?id=1").await;
    browser.see("fenced off by a forced release").await;
    browser.finish().await;
}
