//! Stopping a run, from any process.

use std::future::pending;

use axum::http::StatusCode;
use mongodb::bson::doc;
use mongrate::{Tx, migration};
use mongrate_admin::Admin;
use mongrate_tests::http::{App, OPERATE, READ, tokens};
use mongrate_tests::stored::{count, documents, lease_is_free, migrator, step, steps};
use mongrate_tests::{Gate, TestDb, Worker, eventually};
use serde_json::json;

static HERE: Gate = Gate::new();
static THERE: Gate = Gate::new();
static CLOSED: Gate = Gate::new();

#[migration(id = "001_endless", source = "module:http-stop-here")]
async fn endless_here(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "begun").await?;
    HERE.open();
    pending().await
}

#[migration(id = "001_endless", source = "module:http-stop-there")]
async fn endless_there(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "begun").await?;
    THERE.open();
    loop {
        tx.collection::<mongodb::bson::Document>("steps").count_documents(doc! {}).await?;
    }
}

#[migration(id = "001_endless", source = "module:http-stop-closed")]
async fn endless_closed(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "begun").await?;
    CLOSED.open();
    pending().await
}

async fn state(app: &App, state: &str) {
    eventually(state, async || (app.get(READ, "/runs/1").await.value()["state"] == state).then_some(())).await;
}

/// The history says who stopped the run, and why, in one entry.
async fn recorded(db: &TestDb, by: &str, because: &str) {
    let pattern = format!("a stop was requested by {by}.*: {because}");
    let end = doc! { "act": "run", "status": "running", "error": { "$regex": pattern } };
    let entries = documents(db, "migrations_history").await;
    assert_eq!(count(db, "migrations_history", end).await, 1, "{entries:#?}");
    assert_eq!(count(db, "migrations_history", doc! { "act": "run" }).await, 1, "{entries:#?}");
}

#[tokio::test]
async fn a_run_of_this_process_stops_and_is_rolled_back() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "module:http-stop-here").build().unwrap());
    let answer = app.prefer("respond-async", OPERATE, "/up", &json!({})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    HERE.pass().await;
    assert_eq!(app.post(READ, "/runs/1/stop", &json!({})).await.status, StatusCode::FORBIDDEN);
    let answer = app.post(OPERATE, "/runs/1/stop", &json!({ "because": "wrong hour" })).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    state(&app, "stopped").await;
    assert!(lease_is_free(&db).await && steps(&db).await.is_empty());
    let answer = app.post(OPERATE, "/runs/1/stop", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::CONFLICT, &json!("ended")));
    assert_eq!(app.post(OPERATE, "/runs/2/stop", &json!({})).await.status, StatusCode::NOT_FOUND);
    recorded(&db, "operator", "wrong hour").await;
}

#[tokio::test]
async fn a_run_of_another_process_stops_at_its_next_heartbeat() {
    let db = TestDb::new().await;
    let lease = std::time::Duration::from_secs(4);
    let migrator = || migrator(&db, "module:http-stop-there").lease(lease).build().unwrap();
    let (app, other) = (App::new(&migrator()), App::new(&migrator()));
    app.prefer("respond-async", OPERATE, "/up", &json!({})).await;
    THERE.pass().await;
    let answer = other.post(OPERATE, "/runs/1/stop", &json!({ "because": "wrong hour", "by": "ben" })).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    state(&app, "stopped").await;
    state(&other, "stopped").await;
    assert!(lease_is_free(&db).await && steps(&db).await.is_empty());
    recorded(&db, "ben", "wrong hour").await;
    let warnings = app.get(OPERATE, "/runs/1").await.value()["report"]["warnings"].to_string();
    assert!(warnings.contains("ben") && warnings.contains("wrong hour"), "{warnings}");
    let answer = other.post(OPERATE, "/runs/1/stop", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::CONFLICT, &json!("ended")));
}

#[tokio::test]
async fn close_stops_the_runs_of_the_admin() {
    let db = TestDb::new().await;
    let admin = Admin::new(&migrator(&db, "module:http-stop-closed").build().unwrap(), tokens()).build();
    let app = App::of(&admin);
    app.prefer("respond-async", OPERATE, "/up", &json!({})).await;
    CLOSED.pass().await;
    admin.close().await;
    assert!(lease_is_free(&db).await && steps(&db).await.is_empty());
    let answer = app.post(OPERATE, "/up", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("interrupted")));
    assert_eq!(app.get(READ, "/events").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// Its process was killed in the middle of a body.
#[tokio::test]
async fn a_killed_run_is_lost_and_another_one_takes_over() {
    let db = TestDb::new().await;
    let lease = std::time::Duration::from_secs(3);
    let app = App::new(&migrator(&db, "module:crash").lease(lease).build().unwrap());
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), "3000", "die", "body 001_first"]);
    worker.finish().await;
    state(&app, "lost").await;
    let answer = app.post(OPERATE, "/runs/1/stop", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::CONFLICT, &json!("ended")));
    // The refusal says how to take over.
    let answer = app.post(OPERATE, "/up", &json!({})).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert_eq!(answer.value()["holder"]["expired"], true);
    assert_eq!(answer.header("retry-after"), Some("1"), "two heartbeats of 3/8 s");
    assert!(answer.value()["help"].as_str().unwrap().contains("lockWaitMs"), "{}", answer.text);
    let answer = app.post(OPERATE, "/up", &json!({ "lockWaitMs": 20_000 })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.value()["executed"].as_array().unwrap().len(), 4);
    let runs = app.get(READ, "/runs").await.value();
    assert_eq!(runs["runs"][0]["state"], "ended", "{runs}");
    assert_eq!(app.get(READ, "/runs/1").await.value()["state"], "lost");
}
