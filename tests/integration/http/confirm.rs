//! What destroys or repairs needs to know what its sender saw.

use axum::http::{Method, StatusCode};
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Effect, Tx, migration};
use mongrate_tests::http::{App, OPERATE, READ, REPAIR};
use mongrate_tests::stored::{count, migrator, status, step, steps};
use mongrate_tests::{Gate, TestDb};
use serde_json::{Value, json};

#[migration(id = "001_first", source = "module:http-confirm", down = undo)]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

#[migration(id = "002_second", source = "module:http-confirm", deps = ["module:http-confirm:001_first"], down = undo)]
async fn second(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "second").await?)
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undone").await?)
}

const FIRST: &str = "module:http-confirm:001_first";
const SECOND: &str = "module:http-confirm:002_second";

fn app(db: &TestDb) -> App {
    App::new(&migrator(db, "module:http-confirm").build().unwrap())
}

async fn tag(app: &App, path: &str) -> String {
    app.get(READ, path).await.header("etag").unwrap_or_else(|| panic!("no ETag for {path}")).to_owned()
}

#[tokio::test]
async fn up_runs_what_was_confirmed_and_nothing_else() {
    let db = TestDb::new().await;
    let app = app(&db);
    let only = format!("/plan?only={FIRST}");
    let (first, all) = (tag(&app, &only).await, tag(&app, "/plan").await);
    assert_ne!(first, all);
    assert_eq!(tag(&app, "/plan").await, all, "the same plan has the same tag");
    let answer = app.confirm(&first, Method::POST, OPERATE, "/up", &json!({})).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(answer.value()["code"], "plan-changed");
    let steps_of = |problem: &Value| problem["plan"]["steps"].as_array().unwrap().len();
    assert_eq!(steps_of(&answer.value()), 2);
    let answer = app.confirm(&first, Method::POST, OPERATE, "/up", &json!({ "only": FIRST })).await;
    assert_eq!(answer.value()["executed"], json!([FIRST]));
    // The plan without the first is another one.
    let answer = app.confirm(&all, Method::POST, OPERATE, "/up", &json!({})).await;
    assert_eq!((answer.status, steps_of(&answer.value())), (StatusCode::PRECONDITION_FAILED, 1));
    for (malformed, status) in [("*", StatusCode::BAD_REQUEST), ("abc", StatusCode::BAD_REQUEST)] {
        assert_eq!(app.confirm(malformed, Method::POST, OPERATE, "/up", &json!({})).await.status, status);
    }
    let list = format!("\"other\", {}", tag(&app, "/plan").await);
    assert_eq!(app.confirm(&list, Method::POST, OPERATE, "/up", &json!({})).await.value()["executed"], json!([SECOND]));
    assert_eq!(steps(&db).await, ["first", "second"]);
}

#[tokio::test]
async fn down_needs_the_tag_of_its_plan() {
    let db = TestDb::new().await;
    let app = app(&db);
    app.post(OPERATE, "/up", &json!({})).await;
    let answer = app.post(REPAIR, "/down", &json!({})).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(answer.value()["code"], "confirmation-missing");
    let last = tag(&app, "/plan?verb=down").await;
    let answer = app.confirm(&last, Method::POST, REPAIR, "/down", &json!({ "steps": 2 })).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(app.confirm(&last, Method::POST, OPERATE, "/down", &json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(count(&db, "migrations", doc! { "status": "completed" }).await, 2);

    let answer = app.confirm(&last, Method::POST, REPAIR, "/down?steps=1", &json!({ "because": "wrong index" })).await;
    assert_eq!(answer.value()["executed"], json!([SECOND]), "{}", answer.text);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "down", "because": "wrong index" }).await, 1);
    // A dry run changes nothing, so it needs none.
    let answer = app.post(REPAIR, "/down?dryRun=true", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["dryRun"]), (StatusCode::OK, &json!(true)));
    assert_eq!(steps(&db).await, ["first", "second", "undone"]);
    let both = json!({ "steps": 1, "batch": true });
    assert_eq!(app.post(REPAIR, "/down", &both).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn changes_of_records_need_the_tag_of_the_status_and_a_reason() {
    let db = TestDb::new().await;
    let app = app(&db);
    let body = json!({ "ids": [FIRST], "because": "by hand, OPS-17" });
    let answer = app.post(REPAIR, "/mark/applied", &body).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_REQUIRED);
    let seen = tag(&app, "/status").await;
    let answer = app.confirm(&seen, Method::POST, REPAIR, "/mark/applied", &json!({ "ids": [FIRST] })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(status(&db, FIRST).await.is_empty());
    let answer = app.confirm(&seen, Method::POST, REPAIR, "/mark/applied", &body).await;
    assert_eq!(answer.value()["amended"], json!([{ "id": FIRST, "act": "mark-applied" }]), "{}", answer.text);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "mark-applied", "because": "by hand, OPS-17" }).await, 1);

    let answer = app.confirm(&seen, Method::POST, REPAIR, "/mark/pending", &body).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::PRECONDITION_FAILED, &json!("plan-changed")));
    let baseline = json!({ "id": SECOND, "because": "older than its migrations" });
    let seen = tag(&app, "/status").await;
    assert_eq!(app.confirm(&seen, Method::POST, REPAIR, "/baseline", &baseline).await.status, StatusCode::OK);
    assert_eq!(status(&db, SECOND).await, "completed");
    let seen = tag(&app, "/status").await;
    let both = json!({ "id": SECOND, "detect": true, "because": "x" });
    let answer = app.confirm(&seen, Method::POST, REPAIR, "/baseline", &both).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);

    // Code that has changed since.
    let records = db.collection::<Document>("migrations");
    records.update_one(doc! { "_id": FIRST }, doc! { "$set": { "checksum": "t1:old" } }).await.unwrap();
    let accept = json!({ "id": FIRST, "because": "only a comment" });
    let seen = tag(&app, "/status").await;
    let answer = app.confirm(&seen, Method::POST, REPAIR, "/accept", &accept).await;
    assert_eq!(answer.value()["amended"][0]["act"], "accept", "{}", answer.text);
    let answer = app.confirm(&tag(&app, "/status").await, Method::POST, REPAIR, "/prune", &accept).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::CONFLICT, &json!("not-an-orphan")));
    assert!(steps(&db).await.is_empty());
}

#[migration(id = "001_undecided", source = "module:http-baseline")]
async fn undecided(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undecided").await?)
}

#[migration(id = "002_evident", source = "module:http-baseline", verify = in_effect)]
async fn evident(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "evident").await?)
}

async fn in_effect(_: &Database) -> Effect {
    Effect::Present
}

#[tokio::test]
async fn a_detected_baseline_passes_the_undecided_only_if_told() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "module:http-baseline").build().unwrap());
    let seen = tag(&app, "/status").await;
    let detect = json!({ "detect": true, "because": "OPS-17" });
    let answer = app.confirm(&seen, Method::POST, REPAIR, "/baseline", &detect).await;
    assert_eq!(
        (answer.status, &answer.value()["code"]),
        (StatusCode::CONFLICT, &json!("no-baseline")),
        "{}",
        answer.text
    );
    let named = json!({ "id": "module:http-baseline:002_evident", "assumeUndecided": true, "because": "OPS-17" });
    let answer = app.confirm(&seen, Method::POST, REPAIR, "/baseline", &named).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(count(&db, "migrations", doc! {}).await, 0);

    let assume = json!({ "detect": true, "assumeUndecided": true, "because": "OPS-17" });
    let answer = app.confirm(&seen, Method::POST, REPAIR, "/baseline", &assume).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(status(&db, "module:http-baseline:001_undecided").await, "completed");
    assert_eq!(status(&db, "module:http-baseline:002_evident").await, "completed");
    assert!(steps(&db).await.is_empty());
}

static HELD: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:http-unlock")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    HELD.open();
    GOES.pass().await;
    Ok(step(tx, "done").await?)
}

/// The threat of unlocking the wrong holder.
#[tokio::test]
async fn a_release_meets_only_the_holder_that_was_seen() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "module:http-unlock").build().unwrap());
    let free = tag(&app, "/lock").await;
    app.prefer("respond-async", OPERATE, "/up", &json!({})).await;
    HELD.pass().await;
    let because = json!({ "because": "the node is gone" });
    let answer = app.post(REPAIR, "/lock/release", &because).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_REQUIRED);
    let answer = app.confirm(&free, Method::DELETE, REPAIR, "/lock", &because).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(answer.value()["holder"]["pid"], std::process::id());
    let held = tag(&app, "/lock").await;
    let answer = app.confirm(&held, Method::DELETE, REPAIR, "/lock", &json!({})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.confirm(&held, Method::DELETE, OPERATE, "/lock", &because).await.status, StatusCode::FORBIDDEN);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "unlock" }).await, 0);
    let answer = app.confirm(&held, Method::DELETE, REPAIR, "/lock", &because).await;
    assert_eq!(answer.value()["takenFrom"]["pid"], std::process::id(), "{}", answer.text);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "unlock", "because": "the node is gone" }).await, 1);
    GOES.open();
}

#[tokio::test]
async fn a_process_older_than_the_database_wants_its_orphans_acknowledged() {
    let db = TestDb::new().await;
    let app = app(&db);
    app.post(OPERATE, "/up", &json!({ "only": FIRST })).await;
    let records = db.collection::<Document>("migrations");
    let mut orphan = records.find_one(doc! { "_id": FIRST }).await.unwrap().unwrap();
    orphan.insert("_id", "module:http-confirm:900_newer");
    records.insert_one(orphan).await.unwrap();
    let answer = app.post(OPERATE, "/up", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["code"]), (StatusCode::CONFLICT, &json!("orphans")));
    assert!(answer.text.contains("900_newer"));
    assert_eq!(app.post(OPERATE, "/up?dryRun=true", &json!({})).await.status, StatusCode::OK);
    let answer = app.post(OPERATE, "/up", &json!({ "acknowledgeOrphans": true })).await;
    assert_eq!(answer.value()["executed"], json!([SECOND]), "{}", answer.text);
    let prune = json!({ "id": "module:http-confirm:900_newer", "because": "never existed" });
    let answer = app.confirm(&tag(&app, "/status").await, Method::POST, REPAIR, "/prune", &prune).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(count(&db, "migrations", doc! { "_id": "module:http-confirm:900_newer" }).await, 0);
}
