//! What is wrong: with the records, the call, the place.

use mongodb::bson::{Document, doc};
use mongrate_tests::{MyApp, TestDb};

use super::super::transcript::Transcript;
use super::{change, orphan, set};

/// The code has changed, a migration is gone.
#[tokio::test]
async fn findings() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    told.app.run(["up"]).await;
    change(&db, "002_assign_roles").await;
    orphan(&db, "001_create_users", "000_gone").await;
    for words in [
        "status",
        "validate",
        "show 002_assign_roles",
        "show 000_gone",
        "up",
        "deploy",
        "down --yes --to 001_create_users",
        "accept 002_assign_roles --because \"only a comment in a macro\"",
        "accept 002_assign_roles",
        "prune 000_gone --yes --because \"it was merged into 001\"",
        "prune 000_gone --yes",
        "show 000_gone",
        "validate",
        "history --limit 2",
    ] {
        told.run(words).await;
    }
    told.is("findings");
}

/// Those that are rare: of each kind one.
#[tokio::test]
async fn rare_findings() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    told.app.run(["up"]).await;
    set(&db, "001_create_users", doc! { "status": "rolled-back" }).await;
    set(&db, "002_assign_roles", doc! { "checksum": "t0:1" }).await;
    let said = "it ran, but its `verify` function reports that the effect is missing";
    set(&db, "003_lower_emails", doc! { "verificationFailed": true, "error": said }).await;
    set(&db, "module:menu:001_namespace", doc! { "error": "the disk is full" }).await;
    set(&db, "module:menu:002_prices", doc! { "status": "failed", "partial": true, "error": "the disk is full" }).await;
    told.run("validate").await.run("status").await.run("up").await;
    told.run("up module:menu:002_prices").await;
    told.is("rare_findings");
}

#[tokio::test]
async fn mistakes() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    for words in [
        "",
        "sattus",
        "show 02_assign_roles",
        "show assign",
        "show 00",
        "show nobody",
        "up 002",
        "up 001_users 002_asign_roles",
        "up 001_create_users --to 002_assign_roles",
        "up --timeout soon",
        "up --lock-wait 5",
        "history --limit 501",
        "history --skip 7",
        "history --migration 007_nobody",
        "lock release",
        "baseline",
        "--database a.b status",
    ] {
        told.run(words).await;
    }
    let on = told.app.clone();
    for (name, value, words) in [
        ("MONGRATE_AUTO", "perhaps", "status"),
        ("MONGRATE_LEASE_MS", "1", "up"),
        ("MONGRATE_STOP_ON_ERROR", "ja", "up"),
    ] {
        told.app = on.clone().with(name, value);
        told.remark(&format!("with {name}={value}")).run(words).await;
    }
    told.is("mistakes");
}

#[tokio::test]
async fn no_database() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    let on = MyApp::anywhere();
    for uri in [
        "localhost:27017/shop",
        "mongodb://localhost",
        "mongodb://localhost:port/shop",
        "mongodb://a:b@c@d/shop",
        "mongodb://localhost/shop?replicaset",
        "mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=200",
    ] {
        told.app = on.clone().with("MONGODB_URI", uri);
        told.remark(&format!("with MONGODB_URI={uri}")).run("status").await;
    }
    told.app = on;
    told.remark("without MONGODB_URI").run("status").await.run("status --format json").await;
    told.is("no_database");
}

/// Another tool keeps its records under the same name.
#[tokio::test]
async fn a_collection_of_another_tool() {
    let db = TestDb::new().await;
    db.collection::<Document>("migrations").insert_one(doc! { "_id": 1, "name": "0001_initial" }).await.unwrap();
    let mut told = Transcript::on(&db);
    told.run("status").await.run("up").await;
    told.is("a_collection_of_another_tool");
}
