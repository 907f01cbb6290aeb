//! The words of every command, as somebody reads them who is called at night.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate_tests::stored::count;
use mongrate_tests::{TestDb, eventually};

use super::knobs::{HELD, fail, held, mend};
use super::transcript::Transcript;

async fn set(db: &Database, id: &str, fields: Document) {
    let records = db.collection::<Document>("migrations");
    let update = records.update_one(doc! { "_id": id }, doc! { "$set": fields }).await.unwrap();
    assert_eq!(update.matched_count, 1);
}

/// The code of a migration is another one than when it ran.
async fn change(db: &Database, id: &str) {
    set(db, id, doc! { "checksum": format!("t1:{}", "0".repeat(64)) }).await;
}

/// A record whose migration is gone.
async fn orphan(db: &Database, of: &str, id: &str) {
    let records = db.collection::<Document>("migrations");
    let mut record = records.find_one(doc! { "_id": of }).await.unwrap().unwrap();
    record.insert("_id", id);
    records.insert_one(record).await.unwrap();
}

async fn users(db: &Database) {
    let users = db.collection::<Document>("users");
    let ana = doc! { "_id": 1, "email": "Ana@example.com" };
    users.insert_many([ana, doc! { "_id": 2, "email": "ben@example.com", "role": "admin" }]).await.unwrap();
}

#[tokio::test]
async fn a_new_database() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    for words in [
        "status",
        "pending",
        "plan",
        "version",
        "validate",
        "history",
        "lock status",
        "show 002_assign_roles",
        "down --yes",
    ] {
        told.run(words).await;
    }
    told.is("a_new_database");
}

#[tokio::test]
async fn applying() {
    let db = TestDb::new().await;
    users(&db).await;
    let mut told = Transcript::on(&db);
    for words in [
        "up --dry-run",
        "up 002_assign_roles",
        "status",
        "plan",
        "up",
        "up",
        "up -q",
        "run 004_shrink_orders --by ben",
        "status",
        "version",
        "pending",
        "plan",
        "history",
        "history --limit 2 --skip 1",
        "show 002_assign_roles",
        "show 003_lower_emails",
        "show 001_create_users",
    ] {
        told.run(words).await;
    }
    told.is("applying");
}

#[tokio::test]
async fn applying_with_all_that_can_be_told() {
    let db = TestDb::new().await;
    users(&db).await;
    let mut told = Transcript::on(&db);
    told.run("up 002_assign_roles").await.run("status -v").await;
    told.is("applying_with_all_that_can_be_told");
}

#[tokio::test]
async fn applying_in_vain() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    fail(&db, "002_assign_roles").await;
    told.run("up --dry-run").await.run("up").await.run("up -v").await.run("up --continue-on-error").await;
    told.run("status").await.run("validate").await.run("show 002_assign_roles").await.run("history").await;
    told.remark("its cause is seen to");
    mend(&db, "002_assign_roles").await;
    told.run("up").await.run("status").await.run("validate").await;
    told.is("applying_in_vain");
}

/// What ran outside a transaction is partly there.
#[tokio::test]
async fn applying_in_vain_outside_transactions() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    fail(&db, HELD).await;
    told.run("up").await.run("status").await.run("validate").await;
    told.is("applying_in_vain_outside_transactions");
}

#[tokio::test]
async fn interrupted() {
    let db = TestDb::new().await;
    users(&db).await;
    let mut told = Transcript::on(&db);
    let running = held(&told.app, &db).await;
    running.interrupt();
    told.note("up", &running.finish().await);
    told.run("status").await.run("validate").await;
    // It tells what it runs with its first heartbeat, which it does not live to see.
    let running = held(&told.app.clone().with("MONGRATE_LEASE_MS", "3600000"), &db).await;
    running.kill().await;
    told.remark("another one is killed");
    told.run("lock release --confirm --because \"the node is gone\"").await.run("status").await.run("validate").await;
    mend(&db, HELD).await;
    told.run("up").await.run("validate").await;
    told.is("interrupted");
}

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
        "down --yes 002_assign_roles --with-dependants",
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
    let said = "it ran, but its `verify` function says that it did not have its effect";
    set(&db, "003_lower_emails", doc! { "verificationFailed": true, "error": said }).await;
    set(&db, "module:menu:001_namespace", doc! { "error": "the disk is full" }).await;
    set(&db, "module:menu:002_prices", doc! { "status": "failed", "partial": true, "error": "the disk is full" }).await;
    told.run("validate").await.run("status").await.run("up").await;
    told.run("up module:menu:002_prices").await;
    told.is("rare_findings");
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
        "baseline 002_assign_roles --because \"it was there before\"",
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
    let mut told = Transcript::on(&db);
    told.run("baseline --detect").await.run("baseline --detect --yes").await.run("status").await;
    told.is("a_baseline_that_is_found");
}

#[tokio::test]
async fn the_lock() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    told.app = told.app.with("MONGRATE_LEASE_MS", "2000");
    told.run("lock status").await.run("lock release --because \"it hangs\" --confirm").await;
    let holder = held(&told.app, &db).await;
    eventually("a heartbeat", async || {
        let current = doc! { "holder.current": HELD };
        (count(&db, "migrations_lock", current).await == 1).then_some(())
    })
    .await;
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

#[tokio::test]
async fn deploying() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    fail(&db, "module:menu:001_namespace").await;
    told.run("deploy").await;
    mend(&db, "module:menu:001_namespace").await;
    told.run("deploy").await.run("deploy").await.run("deploy -q").await;
    change(&db, "002_assign_roles").await;
    told.run("deploy").await;
    told.is("deploying");
}

#[tokio::test]
async fn told_only_to_look() {
    let db = TestDb::new().await;
    let mut told = Transcript::on(&db);
    told.app = told.app.with("MONGRATE_AUTO", "false");
    told.run("up").await.run("status --check").await.run("up --dry-run 001_create_users").await;
    told.is("told_only_to_look");
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
    let on = mongrate_tests::MyApp::anywhere();
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

#[tokio::test]
async fn on_a_standalone_server() {
    let db = TestDb::standalone().await;
    let mut told = Transcript::on(&db);
    fail(&db, "002_assign_roles").await;
    told.run("up").await.run("up").await.run("status").await.run("validate").await;
    mend(&db, "002_assign_roles").await;
    told.run("mark pending 002_assign_roles --yes").await.run("up").await;
    told.is("on_a_standalone_server");
}
