//! What is undone, and what is changed by hand.

use mongodb::bson::{Document, doc};
use mongrate_tests::TestDb;

use super::super::knobs::{heartbeat, held};
use super::super::transcript::Transcript;
use super::users;

#[tokio::test]
async fn going_back() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    told.app.run(["up"]).await;
    for words in [
        "down",
        "down --dry-run",
        "down --yes",
        "down --yes --steps 2",
        "status",
        "up",
        "down --yes 002_assign_roles",
        "down --yes 002_assign_roles --with-dependents",
        "down --yes 002_assign_roles",
        "down --yes 001_create_users",
        "down --yes --batch",
        "down --yes --to 002_assign_roles",
        "down --yes --to 001_create_users",
        "history",
    ] {
        told.run(words).await;
    }
    told.is("going_back");
}

#[tokio::test]
async fn in_production() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    told.app = told.app.with("MONGRATE_ENV", "production");
    for words in ["up", "down", "mark pending 003_lower_emails", "prune 000_gone"] {
        told.run(words).await;
    }
    told.is("in_production");
}

#[tokio::test]
async fn records_by_hand() {
    let db = TestDb::new().await;
    users(&db).await;
    let mut told = Transcript::on(&db);
    for words in [
        "mark applied 002_assign_roles --yes",
        "mark applied 001_create_users",
        "mark applied 001_create_users --yes",
        "baseline --detect --yes",
        "baseline 002_assign_roles --yes --because \"it was there before\"",
        "status",
        "mark pending 001_create_users --yes",
        "mark pending 002_assign_roles --yes --because \"restored from a backup\"",
        "mark pending 002_assign_roles --yes",
        "accept 002_assign_roles",
        "prune 001_create_users --yes",
        "history",
        "up",
        "baseline --detect --yes",
    ] {
        told.run(words).await;
    }
    told.is("records_by_hand");
}

/// The functions that verify say where a database stands that is older than its migrations.
#[tokio::test]
async fn a_baseline_that_is_found() {
    let db = TestDb::new().await;
    db.collection::<Document>("knobs").insert_one(doc! { "_id": "003_lower_emails", "evident": true }).await.unwrap();
    let mut told = Transcript::on(&db);
    for words in [
        "up",
        "up --dry-run",
        "plan",
        "baseline --detect --yes",
        "baseline --detect --assume-undecided",
        "baseline --detect --assume-undecided --yes",
        "status",
        "plan",
    ] {
        told.run(words).await;
    }
    told.is("a_baseline_that_is_found");
}

#[tokio::test]
async fn the_lock() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    told.app = told.app.with("MONGRATE_LEASE_MS", "2000");
    told.run("lock status").await.run("lock release --because \"it hangs\" --confirm").await;
    let holder = held(&told.app, &db).await;
    heartbeat(&db).await;
    told.remark("another process migrates");
    for words in [
        "status",
        "validate",
        "up --lock-wait 0s",
        "lock release --because \"it hangs\"",
        "lock release --because \"it hangs\" --yes",
        "lock status",
    ] {
        told.run(words).await;
    }
    told.remark("what became of that process");
    told.note("up", &holder.finish().await);
    told.run("status").await.run("history --limit 1").await;
    told.is("the_lock");
}
