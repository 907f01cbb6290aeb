//! What is applied, and how that fails.

use mongrate_tests::TestDb;

use super::super::knobs::{HELD, fail, held, mend};
use super::super::transcript::Transcript;
use super::{change, users};

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
async fn on_a_standalone_server() {
    let db = TestDb::standalone().await;
    let mut told = Transcript::on(&db);
    fail(&db, "002_assign_roles").await;
    told.run("up").await.run("up").await.run("status").await.run("validate").await;
    mend(&db, "002_assign_roles").await;
    told.run("mark pending 002_assign_roles --yes").await.run("up").await;
    told.is("on_a_standalone_server");
}
