//! Starting a run, and what is known of it.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use futures_util::future::join_all;
use mongodb::bson::doc;
use mongrate::{Tx, migration};
use mongrate_admin::Admin;
use mongrate_tests::http::{App, OPERATE, READ, REPAIR, tokens};
use mongrate_tests::stored::{count, migrator, step, steps, tell, told, untell};
use mongrate_tests::{Gate, TestDb, eventually};
use serde_json::{Value, json};

#[migration(id = "001_first", source = "module:http-runs", down = undo)]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

#[migration(id = "002_second", source = "module:http-runs", deps = ["module:http-runs:001_first"], down = undo)]
async fn second(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "second").await?;
    anyhow::ensure!(!told(tx, "fail").await?, "told to");
    Ok(())
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undone").await?)
}

const FIRST: &str = "module:http-runs:001_first";
const SECOND: &str = "module:http-runs:002_second";

fn app(db: &TestDb, source: &str) -> App {
    App::new(&migrator(db, source).build().unwrap())
}

#[tokio::test]
async fn up_answers_with_the_report_and_the_run_is_known_everywhere() {
    let db = TestDb::new().await;
    let (app, other) = (app(&db, "module:http-runs"), app(&db, "module:http-runs"));
    let body = json!({ "because": "OPS-17", "by": "ana" });
    let answer = app.post(OPERATE, "/up", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.value()["executed"], json!([FIRST, SECOND]));
    assert_eq!(steps(&db).await, ["first", "second"]);

    // The process that ran it knows the plan, the others what the history tells.
    let (here, there) = (app.get(READ, "/runs/1").await.value(), other.get(READ, "/runs/1").await.value());
    for run in [&here, &there] {
        assert_eq!(run["id"], "1");
        assert_eq!(run["state"], "ended");
        assert_eq!(run["verb"], "up");
        assert_eq!(run["by"], "ana (as told, token \"operator\")");
        assert_eq!(run["because"], "OPS-17");
        let done: Vec<_> = run["done"].as_array().unwrap().iter().map(|done| (&done["id"], &done["outcome"])).collect();
        assert_eq!(done, [(&json!(FIRST), &json!("applied")), (&json!(SECOND), &json!("applied"))]);
        assert_eq!((&run["current"], &run["error"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(here["planned"], json!([FIRST, SECOND]));
    assert_eq!(here["report"]["executed"], json!([FIRST, SECOND]));
    assert_eq!((&there["planned"], &there["report"]), (&Value::Null, &Value::Null));
    for app in [&app, &other] {
        let runs = app.get(READ, "/runs").await.value();
        let ids: Vec<_> = runs["runs"].as_array().unwrap().iter().map(|run| &run["id"]).collect();
        assert_eq!(ids, ["1"]);
    }

    // A second one finds nothing to do, and leaves no trace.
    let answer = app.post(OPERATE, "/up", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["executed"]), (StatusCode::OK, &json!([])));
    assert_eq!(app.get(READ, "/runs").await.value()["runs"].as_array().unwrap().len(), 1);
    for unknown in ["/runs/2", "/runs/0", "/runs/w9", "/runs/d1", "/runs/x", "/runs/..%2f1"] {
        assert_eq!(app.get(READ, unknown).await.status, StatusCode::NOT_FOUND, "{unknown}");
    }
}

#[tokio::test]
async fn a_failure_is_500_with_what_was_done_and_what_failed() {
    let db = TestDb::new().await;
    let (app, other) = (app(&db, "module:http-runs"), app(&db, "module:http-runs"));
    tell(&db, "fail").await;
    let answer = app.post(OPERATE, "/up", &json!({})).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let problem = answer.value();
    assert_eq!(problem["code"], "failed");
    assert_eq!(problem["report"]["executed"], json!([FIRST]));
    assert_eq!(problem["report"]["failed"], json!([SECOND]));
    for app in [&app, &other] {
        let run = app.get(OPERATE, "/runs/1").await.value();
        assert_eq!(run["state"], "failed");
        assert!(run["error"]["detail"].as_str().unwrap().contains(SECOND), "{run}");
    }

    untell(&db, "fail").await;
    let answer = app.post(OPERATE, &format!("/migrations/{SECOND}/run"), &json!({})).await;
    assert_eq!(answer.value()["executed"], json!([SECOND]));
    let answer = app.post(OPERATE, "/up", &json!({ "only": "module:http-runs:001_frist" })).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains(FIRST), "{}", answer.text);
}

static BEGUN: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:http-slow")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    BEGUN.open();
    GOES.pass().await;
    Ok(step(tx, "done").await?)
}

/// The threat of a double start: a second click, a retry, another replica.
#[tokio::test]
async fn of_twenty_posts_at_once_one_runs() {
    let db = TestDb::new().await;
    let apps = [app(&db, "module:http-slow"), app(&db, "module:http-slow")];
    let posts = (0..20).map(|number| {
        let app = apps[number % 2].clone();
        async move { app.prefer("respond-async", OPERATE, "/up", &json!({})).await }
    });
    let answers = join_all(posts).await;
    BEGUN.pass().await;
    let (accepted, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == StatusCode::ACCEPTED);
    assert_eq!((accepted.len(), refused.len()), (1, 19), "{answers:?}");
    assert_eq!(accepted[0].header("location"), Some("runs/1"));
    for answer in refused {
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert_eq!(answer.value()["code"], "locked");
        assert_eq!(answer.value()["holder"]["pid"], std::process::id());
        assert!(answer.header("retry-after").is_some());
    }
    for app in &apps {
        let run = app.get(READ, "/runs/1").await.value();
        assert_eq!((&run["state"], &run["holder"]["pid"]), (&json!("running"), &json!(std::process::id())));
    }
    GOES.open();
    for app in &apps {
        eventually("the run to end", async || {
            (app.get(READ, "/runs/1").await.value()["state"] == "ended").then_some(())
        })
        .await;
    }
    assert_eq!(steps(&db).await, ["slow", "done"]);
}

static CLOSED_BEGUN: Gate = Gate::new();
static CLOSED_GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:http-closed")]
async fn slow_closed(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    CLOSED_BEGUN.open();
    CLOSED_GOES.pass().await;
    Ok(step(tx, "done").await?)
}

#[tokio::test]
async fn a_closed_connection_changes_nothing() {
    let db = TestDb::new().await;
    let app = app(&db, "module:http-closed");
    let post = tokio::spawn({
        let app = app.clone();
        async move { app.post(OPERATE, "/up", &json!({ "because": "OPS-17" })).await }
    });
    CLOSED_BEGUN.pass().await;
    post.abort();
    assert!(post.await.unwrap_err().is_cancelled());
    let run = app.get(READ, "/runs/1").await.value();
    assert_eq!((&run["state"], &run["current"]), (&json!("running"), &json!("module:http-closed:001_slow")));
    // The events are noted one after the other.
    eventually("the operation", async || {
        let operations = app.get(READ, "/runs/1").await.value()["operations"].clone();
        operations.as_array().is_some_and(|operations| operations.len() == 2).then_some(())
    })
    .await;
    CLOSED_GOES.open();
    eventually("the run to end", async || (app.get(READ, "/runs/1").await.value()["state"] == "ended").then_some(()))
        .await;
    assert_eq!(steps(&db).await, ["slow", "done"]);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "because": "OPS-17" }).await, 1);
}

static WAITED_BEGUN: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:http-waited")]
async fn slow_waited(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    if !told(tx, "quick").await? {
        WAITED_BEGUN.open();
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_run_that_may_wait_has_an_id_of_its_own_until_it_has_the_lease() {
    let db = TestDb::new().await;
    let (app, other) = (app(&db, "module:http-waited"), app(&db, "module:http-waited"));
    app.prefer("respond-async", OPERATE, "/up", &json!({})).await;
    WAITED_BEGUN.pass().await;
    tell(&db, "quick").await;
    let answer = other.prefer("respond-async", OPERATE, "/up", &json!({ "lockWaitMs": 20_000 })).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::ACCEPTED, Some("runs/w1")));
    assert_eq!(other.get(READ, "/runs/w1").await.value()["state"], "waiting");
    assert_eq!(app.post(OPERATE, "/runs/1/stop", &json!({})).await.status, StatusCode::ACCEPTED);
    let answer = eventually("the lease", async || {
        let answer = other.get(READ, "/runs/w1").await;
        (answer.status == StatusCode::SEE_OTHER).then_some(answer)
    })
    .await;
    assert_eq!(answer.header("location"), Some("../runs/2"));
    eventually("the run to end", async || (other.get(READ, "/runs/2").await.value()["state"] == "ended").then_some(()))
        .await;
    assert_eq!(steps(&db).await, ["slow"]);
    assert_eq!(app.get(READ, "/runs/1").await.value()["state"], "stopped");

    let answer = other.post(OPERATE, "/up", &json!({ "lockWaitMs": 60_001 })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

static DRY_BEGUN: Gate = Gate::new();
static DRY_GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:http-dry")]
async fn slow_dry(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    DRY_BEGUN.open();
    DRY_GOES.pass().await;
    Ok(())
}

#[tokio::test]
async fn there_is_one_dry_run_at_a_time_and_readers_see_no_sample() {
    let db = TestDb::new().await;
    let (app, other) = (app(&db, "module:http-dry"), app(&db, "module:http-dry"));
    let answer = app.prefer("respond-async", OPERATE, "/up?dryRun=true", &json!({})).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::ACCEPTED, Some("runs/d1")));
    DRY_BEGUN.pass().await;
    let answer = app.post(OPERATE, "/up", &json!({ "dryRun": true })).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::CONFLICT, &json!("busy")));
    assert_eq!(app.post(READ, "/up", &json!({ "dryRun": true })).await.status, StatusCode::FORBIDDEN);
    // Only the process that makes it knows of it.
    assert_eq!(other.get(READ, "/runs/d1").await.status, StatusCode::NOT_FOUND);
    let answer = other.post(OPERATE, "/runs/d1/stop", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::CONFLICT, &json!("elsewhere")));
    DRY_GOES.open();
    let run = eventually("the dry run to end", async || {
        let run = app.get(OPERATE, "/runs/d1").await.value();
        (run["state"] == "ended").then_some(run)
    })
    .await;
    assert_eq!(run["report"]["executions"][0]["operations"][1]["samples"][0]["after"]["name"], "slow");
    let answer = app.get(READ, "/runs/d1").await;
    assert!(answer.value()["report"].is_null() && !answer.text.contains("samples"), "{}", answer.text);
    assert!(steps(&db).await.is_empty());
    let answer = app.json(Method::POST, REPAIR, "/up?dryRun=", &json!({})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_report_of_a_dry_run_is_forgotten_after_its_time() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-execute").build().unwrap();
    let admin = Admin::new(&migrator, tokens()).keep_dry(Duration::from_secs(2)).build();
    let app = App::of(&admin);
    let began = Instant::now();
    assert_eq!(app.post(OPERATE, "/up?dryRun=true", &json!({})).await.status, StatusCode::OK);
    let kept = app.get(OPERATE, "/runs/d1").await;
    assert_eq!((kept.status, &kept.value()["state"]), (StatusCode::OK, &json!("ended")));
    let forgotten = eventually("the report to be forgotten", async || {
        Some(app.get(OPERATE, "/runs/d1").await).filter(|answer| answer.status == StatusCode::NOT_FOUND)
    })
    .await;
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(forgotten.text.contains("kept for 10 minutes"), "{}", forgotten.text);
    assert_eq!(app.get(OPERATE, "/runs").await.value()["runs"], json!([]));
    // Another one can be made.
    assert_eq!(app.post(OPERATE, "/up?dryRun=true", &json!({})).await.status, StatusCode::OK);
    assert_eq!(app.get(OPERATE, "/runs/d2").await.value()["state"], "ended");
}
