//! Backfills on the command line: started, looked at, worked on and repaired.

use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongrate_tests::stored::{count, status};
use mongrate_tests::{MyApp, Ran, Terminal, TestDb, eventually};
use serde_json::{Value, json};

use super::transcript::Transcript;

const ID: &str = "010_order_totals";

/// Enough to be divided into ranges.
const MANY: i32 = 12_000;

async fn filled() -> TestDb {
    let db = TestDb::new().await;
    let orders: Vec<_> = (0..MANY).map(|id| doc! { "_id": id }).collect();
    db.collection::<Document>("orders").insert_many(orders).await.unwrap();
    db
}

async fn started(db: &TestDb) -> MyApp {
    let app = MyApp::shop(db);
    let ran = app.run(["up", "--background"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    app
}

async fn json(app: &MyApp, words: &[&str]) -> Value {
    let ran = app.run(words.iter().copied().chain(["--format", "json"])).await;
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

#[tokio::test]
async fn a_backfill() {
    let db = filled().await;
    let mut told = Transcript::of(MyApp::shop(&db));
    for words in [
        "backfill",
        "status --check",
        "show 010_order_totals",
        "up --background",
        "up --background",
        "backfill",
        "status",
        "status --check",
        "plan",
        "show 010_order_totals",
    ] {
        told.run(words).await;
    }
    for words in ["up", "backfill", "status --check"] {
        told.run(words).await;
    }
    assert_eq!(count(&db, "orders", doc! { "total": 1 }).await, 12_000);
    told.is("a_backfill");
}

/// A paused backfill stays as it is; `up` says who paused it, and why.
#[tokio::test]
async fn a_backfill_that_is_steered() {
    let db = filled().await;
    let mut told = Transcript::of(MyApp::shop(&db));
    for words in [
        "backfill pause 010_order_totals",
        "up --background",
        "backfill pause 010_order_totals --by ana --because sale",
        "backfill",
        "show 010_order_totals",
        "up",
        "backfill tune 010_order_totals",
        "backfill tune 010_order_totals --pace fast",
        "backfill tune 010_order_totals --workers 0",
        "backfill tune 010_order_totals --max-lag 2h",
        "backfill tune 010_order_totals --workers 4 --pace 7000 --max-lag 10s --batch-time 200ms --by ben",
        "backfill pause 010_order_tolals",
    ] {
        told.run(words).await;
    }
    assert_eq!(count(&db, "orders", doc! { "total": 1 }).await, 0);
    for words in
        ["backfill resume 010_order_totals --by ben", "backfill tune 010_order_totals --reset --pace full", "up"]
    {
        told.run(words).await;
    }
    told.run("history").await;
    assert_eq!(count(&db, "orders", doc! { "total": 1 }).await, 12_000);
    told.is("a_backfill_that_is_steered");
}

/// One that is canceled waits until it is named, or restarted.
#[tokio::test]
async fn a_backfill_that_is_canceled() {
    let db = filled().await;
    let mut told = Transcript::of(MyApp::shop(&db));
    for words in [
        "backfill cancel 010_order_totals",
        "up --background",
        "backfill cancel 010_order_totals --yes --by ana --because slow",
        "backfill",
        "status --check",
        "plan",
        "up 012_count_totals",
        "show 010_order_totals",
        "backfill restart 011_customer_status --yes",
        "backfill restart 010_order_totals --yes",
        "status",
    ] {
        told.run(words).await;
    }
    assert_eq!(count(&db, "orders", doc! { "total": 1 }).await, 0);
    for words in ["backfill retry 010_order_totals", "backfill retry 010_order_totals", "up", "history"] {
        told.run(words).await;
    }
    assert_eq!(count(&db, "orders", doc! { "total": 1 }).await, 12_000);
    told.is("a_backfill_that_is_canceled");
}

/// A failure says which documents stand in the way, how far the backfill has come, and what to do.
#[tokio::test]
async fn a_backfill_that_failed() {
    let db = filled().await;
    let app = started(&db).await;
    let refuse = async |from: i32| {
        let refused = doc! { "$nor": [{ "_id": { "$gte": from }, "total": 1 }] };
        db.run_command(doc! { "collMod": "orders", "validator": refused }).await.unwrap();
    };
    refuse(MANY - 2).await;
    let ran = app.run(["up"]).await;
    assert_eq!((ran.code, status(&db, ID).await.as_str()), (1, "failed"), "{ran}");
    assert!(ran.stderr.contains("11999"), "{ran}");
    let listed = app.run(["backfill"]).await;
    let row = listed.stdout.lines().nth(1).unwrap();
    assert!(row.starts_with("failed ") && row.contains("11999") && !row.contains("nobody"), "{listed}");
    let shown = app.run(["status"]).await;
    assert!(shown.stdout.contains(" % of 12,000 documents; "), "{shown}");
    assert_eq!(app.run(["status", "--check"]).await.code, 5);
    let skipped = app.run(["backfill", "skipped", ID]).await;
    assert!(skipped.stdout.contains("11998") && skipped.stdout.contains("Document failed validation"), "{skipped}");

    // One may be skipped. The others are changed, and it fails nevertheless.
    refuse(MANY - 1).await;
    let ran = app.run(["up"]).await;
    println!("{ran}");
    assert!(
        ran.code == 1 && ran.stderr.contains("1 document of 'orders' could not be changed and was skipped"),
        "{ran}"
    );
    let listed = app.run(["backfill"]).await;
    println!("{listed}");
    assert!(listed.stdout.contains("1 document skipped") && !listed.stdout.contains("completes it"), "{listed}");
    println!("{}", app.run(["backfill", "skipped", ID]).await);
    assert_eq!(count(&db, "orders", doc! { "total": 1 }).await, 11_999);
    refuse(MANY).await;
    let ran = app.run(["up"]).await;
    assert_eq!((ran.code, count(&db, "orders", doc! { "total": 1 }).await), (0, 12_000), "{ran}");
    println!("{}", app.run(["backfill", "skipped", ID]).await);
}

/// A deployment starts it, and waits for it only with `--wait`.
#[tokio::test]
async fn a_deployment_starts_a_backfill_or_waits_for_it() {
    let db = filled().await;
    let app = MyApp::shop(&db);
    let ran = app.run(["deploy"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "Applied: 1, Failed: 0, Underway: 1, Total: 3\n"), "{ran}");
    assert_eq!(count(&db, "orders", doc! { "total": 1 }).await, 0);
    let summary = json(&app, &["deploy"]).await;
    assert_eq!((&summary["underway"], &summary["report"]["underway"]), (&json!(1), &json!([ID])), "{summary}");
    app.run(["backfill", "pause", ID]).await;
    let ran = app.run(["deploy", "--wait"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (6, "Applied: 0, Failed: 0, Underway: 1, Total: 3\n"), "{ran}");
    assert!(ran.stderr.contains("is paused"), "{ran}");
    app.run(["backfill", "resume", ID]).await;
    let ran = app.run(["deploy", "--wait"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "Applied: 2, Failed: 0, Total: 3\n"), "{ran}");
    assert_eq!(count(&db, "log", doc! { "missing": 0 }).await, 1);
}

/// Locks an order in a transaction, so that its range is not done.
async fn locked_order(db: &TestDb) -> ClientSession {
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    let orders = db.collection::<Document>("orders");
    let held = doc! { "$set": { "held": true } };
    orders.update_one(doc! { "_id": 5 }, held).session(&mut session).await.unwrap();
    session
}

/// While an order is locked by a transaction, its range is not done, and the process that has it is known.
#[tokio::test]
async fn whoever_works_on_a_backfill_is_known() {
    let db = filled().await;
    let app = started(&db).await;
    let mut session = locked_order(&db).await;
    let running = app.start(["up"]);
    let pid = running.pid();
    let backfill = eventually("all but one range to be done", async || {
        let listed = json(&app, &["backfill"]).await;
        let backfill = listed["backfills"][0].clone();
        (backfill["rangesDone"] == 15 && !backfill["workers"].as_array()?.is_empty()).then_some(backfill)
    })
    .await;
    assert_eq!((&backfill["id"], &backfill["status"]), (&json!(ID), &json!("underway")), "{backfill}");
    assert_eq!(backfill["workers"][0]["pid"], pid, "{backfill}");
    let percent = backfill["percent"].as_f64().unwrap();
    assert!((90.0..100.0).contains(&percent), "{backfill}");
    let listed = app.run(["backfill"]).await;
    assert!(listed.stdout.contains(&format!("process {pid} on ")) && listed.stdout.contains("15 of 16"), "{listed}");
    let shown = app.run(["show", ID]).await;
    assert!(shown.stdout.contains("of 12,000 documents of 'orders', 15 of 16 ranges"), "{shown}");
    let reason = "member h2:27018 is 3 s behind, limit 2 s";
    let stopped = doc! { "$set": { "claim.throttled": { "stopped": true, "reason": reason } } };
    let claimed = doc! { "claim.pid": { "$gt": 0 } };
    let ranges = db.collection::<Document>("migrations_ranges");
    for words in [["backfill"].as_slice(), &["show", ID], &["status"]] {
        // The next batch says that it is not.
        eventually("a throttle", async || {
            ranges.update_many(claimed.clone(), stopped.clone()).await.unwrap();
            let ran = app.run(words.iter().copied()).await;
            ran.stdout.contains(&format!("stopped: {reason}")).then_some(())
        })
        .await;
    }
    for columns in [80, 120] {
        let mut terminal = Terminal::of(&app, columns, &["backfill"]);
        assert_eq!(terminal.finish().await, 0, "{terminal}");
        println!("{terminal}");
    }
    session.abort_transaction().await.unwrap();
    let ran = running.finish().await;
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(count(&db, "orders", doc! { "total": 1 }).await, 12_000);
}

/// The animated line has documents and percent.
#[tokio::test]
async fn the_progress_of_a_backfill_is_shown() {
    let db = filled().await;
    let app = started(&db).await;
    let mut session = locked_order(&db).await;
    let mut terminal = Terminal::of(&app, 100, &["up"]);
    terminal.shows("of 12,000 documents (9").await;
    println!("{terminal}");
    session.abort_transaction().await.unwrap();
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn six_is_a_backfill_underway_and_nothing_else() {
    let db = filled().await;
    let app = MyApp::shop(&db);
    let check = async || -> Ran { app.run(["status", "--check"]).await };
    assert_eq!(check().await.code, 5);
    app.run(["up", "--background"]).await;
    let ran = check().await;
    assert_eq!(ran.code, 6, "{ran}");
    assert_eq!(json(&app, &["status", "--check"]).await["pending"][0]["status"], "underway");
    let ran = app.run(["up"]).await;
    assert_eq!((ran.code, check().await.code), (0, 0), "{ran}");
}
