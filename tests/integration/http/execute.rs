//! The requests that the project was asked for, as they were written.

use std::time::Duration;

use axum::http::StatusCode;
use mongodb::bson::doc;
use mongrate::{Tx, migration};
use mongrate_tests::http::{App, OPERATE, REPAIR};
use mongrate_tests::stored::{count, migrator, step, steps, tell, told};
use mongrate_tests::{Gate, TestDb};
use serde_json::json;

#[migration(id = "001_first", source = "module:http-execute", down = undo)]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

#[migration(id = "002_second", source = "module:http-execute", deps = ["module:http-execute:001_first"])]
async fn second(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "second").await?;
    if told(tx, "wait").await? {
        HELD.open();
        GOES.pass().await;
    }
    anyhow::ensure!(!told(tx, "fail").await?, "told to");
    Ok(())
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undone").await?)
}

static HELD: Gate = Gate::new();
static GOES: Gate = Gate::new();

const FIRST: &str = "module:http-execute:001_first";
const SECOND: &str = "module:http-execute:002_second";

fn app(db: &TestDb) -> App {
    App::new(&migrator(db, "module:http-execute").build().unwrap())
}

#[tokio::test]
async fn execute_runs_everything_or_one_migration() {
    let db = TestDb::new().await;
    let app = app(&db);
    let answer = app.post(OPERATE, "/execute", &json!({ "migrationId": FIRST })).await;
    assert_eq!((answer.status, &answer.value()["executed"]), (StatusCode::OK, &json!([FIRST])));
    let answer = app.post(OPERATE, "/execute", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["executed"]), (StatusCode::OK, &json!([SECOND])));
    let answer = app.post(OPERATE, "/execute", &json!({ "migrationId": "module:http-execute:001_frist" })).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::NOT_FOUND, &json!("unknown-migration")));
    assert!(answer.text.contains(FIRST), "{}", answer.text);
    assert_eq!(
        app.post(OPERATE, "/execute", &json!({ "migration": FIRST })).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(steps(&db).await, ["first", "second"]);
}

#[tokio::test]
async fn execute_tells_of_a_held_lock_and_of_a_failure() {
    let db = TestDb::new().await;
    let lease = Duration::from_secs(40);
    let built = || App::new(&migrator(&db, "module:http-execute").lease(lease).build().unwrap());
    let (app, other) = (built(), built());
    tell(&db, "wait").await;
    tell(&db, "fail").await;
    let run = tokio::spawn({
        let app = app.clone();
        async move { app.post(OPERATE, "/execute", &json!({})).await }
    });
    HELD.pass().await;
    let answer = other.post(OPERATE, "/execute", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::CONFLICT, &json!("locked")));
    // The rest of the lease, which a heartbeat prolongs every five seconds.
    let left = other.get(OPERATE, "/lock").await.value()["expiresInMs"].as_u64().unwrap().div_ceil(1000);
    let retry: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(retry <= 40 && retry.abs_diff(left) <= 10, "{retry} s, and the lock says {left} s");
    GOES.open();
    let answer = run.await.unwrap();
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let report = answer.value()["report"].clone();
    assert_eq!((&report["executed"], &report["failed"]), (&json!([FIRST]), &json!([SECOND])));
}

#[tokio::test]
async fn the_query_has_the_options_of_up_and_down() {
    let db = TestDb::new().await;
    let app = app(&db);
    let answer = app.post(OPERATE, "/up?dryRun=true&continueOnError=false", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["dryRun"]), (StatusCode::OK, &json!(true)));
    assert!(steps(&db).await.is_empty());
    for malformed in ["/up?dryRun=", "/up?continueOnError=", "/up?dryRun=1", "/down?steps=", "/down?steps=0"] {
        let answer = app.post(REPAIR, malformed, &json!({})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{malformed}");
    }
    let answer = app.post(OPERATE, "/up?dryRun=false", &json!({ "dryRun": true })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    app.post(OPERATE, "/up", &json!({ "only": [FIRST] })).await;
    let answer = app.post(REPAIR, "/down?dryRun=true&steps=1", &json!({})).await;
    assert_eq!(answer.value()["executions"][0]["outcome"], "would-revert", "{}", answer.text);
    assert_eq!(steps(&db).await, ["first"]);
}

#[tokio::test]
async fn a_draft_is_code_to_copy_and_nothing_is_written() {
    let db = TestDb::new().await;
    let app = app(&db);
    let body = json!({ "name": "Add roles", "source": "module:http-execute", "reversible": true });
    for path in ["/new", "/"] {
        let answer = app.post(OPERATE, path, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let draft = answer.value();
        assert_eq!(draft["id"], "module:http-execute:003_add_roles");
        assert_eq!(draft["dependencies"], json!([SECOND]));
        assert_eq!((&draft["dryRun"], &draft["created"]), (&json!(true), &json!([])));
        assert!(draft["code"].as_str().unwrap().contains("#[migration("), "{draft}");
    }
    for refused in [
        json!({}),
        json!({ "name": "1 \" " }),
        json!({ "name": "a", "source": "x" }),
        json!({ "name": "a", "kind": "x" }),
    ] {
        assert_eq!(app.post(OPERATE, "/new", &refused).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    }
    assert_eq!(count(&db, "migrations", doc! {}).await, 0);
}

#[tokio::test]
async fn who_and_why_are_short_and_one_line() {
    let db = TestDb::new().await;
    let app = app(&db);
    for body in [
        json!({ "by": "a".repeat(101) }),
        json!({ "because": "a".repeat(501) }),
        json!({ "because": "a\r\nSet-Cookie: b" }),
        json!({ "by": 1 }),
    ] {
        let answer = app.post(OPERATE, "/up", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert!(steps(&db).await.is_empty());
    let body = json!({ "by": "a".repeat(100), "because": "b".repeat(500) });
    assert_eq!(app.post(OPERATE, "/up", &body).await.status, StatusCode::OK);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "because": "b".repeat(500) }).await, 2);
}
