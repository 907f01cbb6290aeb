//! Backfills that have started and not completed: the API, the overview, the views of a migration, a plan and a run.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::IF_NONE_MATCH;
use axum::http::{Method, StatusCode};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use mongrate::Migrator;
use mongrate_tests::crash::backfill::{ID, MANY, assert_once, changed_migrator, fill, migrator};
use mongrate_tests::http::{App, OPERATE, READ, REPAIR, api};
use mongrate_tests::stored::count;
use mongrate_tests::{TestDb, eventually};
use serde_json::{Value, json};

use super::views::words;

const VIEW: &str = "migration?id=module%3Abackfill%3A001_numbers";
const DEPENDENT: &str = "module:backfill:003_dependent";

/// A backfill that has started and that nobody works on.
async fn started(db: &TestDb) -> Migrator {
    fill(db, MANY).await;
    let migrator = migrator((**db).clone(), Duration::from_secs(2));
    migrator.up().background(true).await.unwrap();
    migrator
}

async fn listed(app: &App) -> Vec<Value> {
    app.get(READ, "/backfills").await.value()["backfills"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_open_backfill_is_listed_with_its_progress() {
    let db = TestDb::new().await;
    let app = App::new(&migrator((*db).clone(), Duration::from_secs(2)));
    assert!(listed(&app).await.is_empty());
    let migrator = started(&db).await;
    let answer = app.get(READ, "/backfills").await;
    let found = &answer.value()["backfills"][0];
    assert_eq!((&found["id"], &found["status"], &found["direction"]), (&json!(ID), &json!("underway"), &json!("up")));
    assert_eq!((&found["documents"], &found["scanned"], &found["percent"]), (&json!(MANY), &json!(0), &json!(0.0)));
    assert_eq!((&found["ranges"], &found["rangesDone"], &found["workers"]), (&json!(16), &json!(0), &json!([])));
    let one = app.get(READ, &format!("/backfills/{ID}")).await;
    assert_eq!(one.value(), *found);
    for (path, tag) in
        [("/backfills".to_owned(), answer.header("etag")), (format!("/backfills/{ID}"), one.header("etag"))]
    {
        let known = api(Method::GET, READ, &path).header(IF_NONE_MATCH, tag.unwrap());
        assert_eq!(app.send(known.body(Body::empty()).unwrap()).await.status, StatusCode::NOT_MODIFIED, "{path}");
    }
    let status = async |state: &str| app.get(READ, &format!("/status?state={state}")).await.value()["pending"].clone();
    assert_eq!(status("underway").await[0]["id"], ID);
    assert_eq!((&status("pending").await[0]["id"], &status("pending").await[1]), (&json!(DEPENDENT), &Value::Null));

    migrator.up().await.unwrap();
    assert!(listed(&app).await.is_empty());
    let known = api(Method::GET, READ, "/backfills").header(IF_NONE_MATCH, answer.header("etag").unwrap());
    assert_eq!(app.send(known.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
    for id in [ID, "module:backfill:001_nubmers"] {
        assert_eq!(app.get(READ, &format!("/backfills/{id}")).await.status, StatusCode::NOT_FOUND, "{id}");
    }
    assert_once(&db, MANY, "listed").await;
}

#[tokio::test]
async fn the_page_shows_how_far_a_backfill_has_come() {
    let db = TestDb::new().await;
    let app = App::new(&started(&db).await);
    let bar = "0.0 %: 0 of about 12,000 documents of orders , 0 changed, 0 of 16 ranges done";
    let overview = app.page(REPAIR, "").await;
    let text = words(&overview);
    assert!(text.contains("1 migration is pending") && text.contains("Underway 1 State"), "{text}");
    assert!(text.contains(&format!("Underway {ID}")) && text.contains(bar), "{text}");
    assert!(text.contains("Nobody is working on it. Backfill, reversible"), "{text}");
    assert!(text.contains("1 pending, 1 underway"), "{text}");
    assert!(overview.text.contains("<progress max=\"100\" value=\"0.0\""), "{}", overview.text);
    // It cannot be run by itself, because any run goes on with it.
    assert!(!overview.text.contains(&format!("Run {ID}")), "{}", overview.text);

    let filtered = words(&app.page(READ, "?state=underway").await);
    assert!(filtered.contains("1 found") && filtered.contains(ID) && filtered.contains(bar), "{filtered}");
    let view = app.page(REPAIR, VIEW).await;
    let text = words(&view);
    assert!(text.contains("Underway") && text.contains(bar), "{text}");
    assert!(text.contains("The next process that boots or applies migrations goes on with it."), "{text}");
    assert!(text.contains("&mut Backfill : a large collection"), "{text}");
    assert!(text.contains("Mark as applied… Ends the backfill"), "{text}");
    assert!(view.text.contains("class=\"running"), "{}", view.text);
    assert!(text.contains("Its ranges, by _id: 16 open."), "{text}");
    assert!(view.text.contains("title=\"Range 16: open, 0 documents passed\""), "{}", view.text);
    let plan = words(&app.page(OPERATE, "plan").await);
    assert!(plan.contains("Nothing to run") && plan.contains(", a backfill that is underway."), "{plan}");
}

/// A worker stores why it is slowed in its claim, so that any process can show it.
#[tokio::test]
async fn a_throttle_is_shown_until_the_claim_expires() {
    let db = TestDb::new().await;
    let app = App::new(&started(&db).await);
    let reason = "member h2:27018 is 3 s behind, limit 2 s";
    let claim = doc! {
        "nonce": ObjectId::new(), "host": "h", "pid": 7_i64, "session": {},
        "throttled": { "stopped": false, "reason": reason },
    };
    let ranges = db.collection::<Document>("migrations_ranges");
    let claimed = |active: i64| doc! { "$set": { "claim": &claim, "active": DateTime::from_millis(active) } };
    let first = doc! { "_id.n": 0 };
    ranges.update_one(first.clone(), claimed(DateTime::now().timestamp_millis() + 60_000)).await.unwrap();
    assert_eq!(listed(&app).await[0]["throttled"], json!({ "stopped": false, "reason": reason }));
    let text = words(&app.page(READ, VIEW).await);
    assert!(text.contains(&format!("Worked on by h/7 (1 range). Slowed {reason}.")), "{text}");
    ranges.update_one(first, claimed(0)).await.unwrap();
    assert_eq!(listed(&app).await[0]["throttled"], Value::Null);
}

#[tokio::test]
async fn a_backfill_is_paused_tuned_and_resumed() {
    let db = TestDb::new().await;
    let migrator = started(&db).await;
    let app = App::new(&migrator);
    let path = format!("/backfills/{ID}");
    let steer = async |token: &str, body: Value| app.json(Method::PATCH, token, &path, &body).await;
    assert_eq!(steer(READ, json!({ "paused": true })).await.status, StatusCode::FORBIDDEN);
    let paused = steer(OPERATE, json!({ "paused": true, "because": "sale until noon" })).await;
    assert_eq!((paused.status, &paused.value()["paused"]["because"]), (StatusCode::OK, &json!("sale until noon")));
    assert_eq!(paused.value(), app.get(READ, &path).await.value());
    let tuned = steer(OPERATE, json!({ "workers": 4, "pace": "7000" })).await.value();
    assert_eq!((&tuned["tunedWorkers"], &tuned["tunedPace"]), (&json!(4), &json!("7000")));
    let tuned = steer(OPERATE, json!({ "maxLagMs": 10_000, "batchMs": 200 })).await.value();
    let fields = ["tunedWorkers", "tunedPace", "tunedMaxLagMs", "tunedBatchMs"];
    assert_eq!(fields.map(|field| tuned[field].clone()), [json!(4), json!("7000"), json!(10_000), json!(200)]);
    for (wrong, told) in [
        (json!({ "maxLagMs": 999 }), "the option `max_lag` is 999 ms, but takes 1 second to 1 hour"),
        (json!({ "batchMs": 10_001 }), "the option `batch_time` is 10.0 s, but takes 10 ms to 10 seconds"),
        (json!({ "pace": "fast" }), "a pace is 'full', 'polite' or a number of documents per second"),
        (json!({ "workers": 0 }), "the number of workers must be a number from 1 on"),
        (json!({}), "nothing to change"),
        (json!({ "pause": true }), "unknown field"),
    ] {
        let answer = steer(OPERATE, wrong).await;
        assert!(answer.status.is_client_error() && answer.text.contains(told), "{}", answer.text);
    }
    let text = words(&app.page(OPERATE, VIEW).await);
    assert!(
        text.contains("Paused just now by operator sale until noon") && !text.contains("The next process"),
        "{text}"
    );
    assert!(text.contains("Resume… The processes that serve"), "{text}");
    assert!(text.contains("Steer: 4 workers, pace 7000"), "{text}");
    assert!(!words(&app.page(READ, VIEW).await).contains("Resume…"));
    assert!(words(&app.page(READ, "").await).contains("sale until noon"));

    let reset = steer(OPERATE, json!({ "reset": true, "pace": "polite" })).await.value();
    assert_eq!(fields.map(|field| reset[field].clone()), [Value::Null, json!("polite"), Value::Null, Value::Null]);
    let resumed = app.form(OPERATE, "steer", &[("id", ID), ("paused", "false"), ("because", "")]).await;
    assert_eq!(resumed.status, StatusCode::SEE_OTHER, "{}", resumed.text);
    let form =
        [("id", ID), ("workers", ""), ("pace", "full"), ("maxLagMs", ""), ("batchMs", "50"), ("because", "night")];
    assert_eq!(app.form(OPERATE, "steer", &form).await.status, StatusCode::SEE_OTHER);
    // An empty field is as in the code.
    let shown = app.get(READ, &path).await.value();
    assert_eq!(fields.map(|field| shown[field].clone()), [Value::Null, json!("full"), Value::Null, json!(50)]);
    let wrong = app.form(OPERATE, "steer", &[("id", ID), ("workers", "0"), ("pace", "")]).await;
    assert!(wrong.status.is_client_error() && wrong.text.contains("must be a number from 1 on"), "{}", wrong.text);
    let text = words(&app.page(OPERATE, "history").await);
    assert!(
        text.contains("Backfill steered: paused")
            && text.contains("Backfill steered: pace full, batches of 50 ms, the rest as in the code"),
        "{text}"
    );
    let entries = app.get(READ, "/history?act=steer").await.value()["entries"].clone();
    assert_eq!(entries[0]["steered"], "pace full, batches of 50 ms, the rest as in the code", "{entries}");
    assert_eq!(listed(&app).await[0]["paused"], Value::Null);
    migrator.up().await.unwrap();
    assert_once(&db, MANY, "steered").await;
    let view = app.page(READ, VIEW).await.text;
    assert!(view.contains(r#"id="progress" data-live></div>"#), "{view}");
    let over = steer(OPERATE, json!({ "paused": true })).await;
    assert_eq!((over.status, &over.value()["code"]), (StatusCode::CONFLICT, &json!("not-underway")), "{}", over.text);
}

#[tokio::test]
async fn a_run_goes_on_with_a_backfill() {
    let db = TestDb::new().await;
    let app = App::new(&started(&db).await);
    // A worker waits for this document.
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    let orders = db.collection::<Document>("orders");
    let held = doc! { "$set": { "held": true } };
    orders.update_one(doc! { "_id": 5 }, held).session(&mut session).await.unwrap();
    let answer = app.prefer("respond-async", OPERATE, "/up", &json!({})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    // It has no lease while there is nothing else to do.
    assert_eq!(answer.header("location"), Some("runs/w1"));
    eventually("progress", async || {
        let run = app.get(READ, "/runs/w1").await.value();
        let operation = run["operations"][0].as_str().unwrap_or_default().to_owned();
        (run["current"] == ID && operation.ends_with(" of 12,000")).then_some(())
    })
    .await;
    let worker = eventually("a worker", async || listed(&app).await[0]["workers"].get(0).cloned()).await;
    assert_eq!(worker["pid"], std::process::id());
    // The other worker may be between two ranges.
    assert!(worker["ranges"].as_u64().is_some_and(|ranges| (1..=2).contains(&ranges)), "{worker}");
    let text = words(&app.page(READ, VIEW).await);
    assert!(text.contains("Worked on by") && !text.contains("Nobody is working on it"), "{text}");
    session.abort_transaction().await.unwrap();
    eventually("the lease", async || {
        (app.get(READ, "/runs/w1").await.header("location") == Some("../runs/2")).then_some(())
    })
    .await;
    let ended = eventually("the end", async || {
        let run = app.get(READ, "/runs/2").await.value();
        (run["state"] == "ended").then_some(run)
    })
    .await;
    let done: Vec<_> = ended["done"].as_array().unwrap().iter().map(|step| (&step["id"], &step["outcome"])).collect();
    assert_eq!(done, [(&json!(ID), &json!("applied")), (&json!(DEPENDENT), &json!("applied"))]);
    assert_once(&db, MANY, "run").await;
}

#[tokio::test]
async fn the_failure_of_a_backfill_is_shown_and_masked_for_readers() {
    let db = TestDb::new().await;
    let migrator = started(&db).await;
    let app = App::new(&migrator);
    let refused = doc! { "collMod": "orders", "validator": { "$nor": [{ "_id": 5, "n": 1 }] } };
    db.run_command(refused).await.unwrap();
    migrator.up().await.unwrap_err();
    let found = &listed(&app).await[0];
    assert_eq!(found["status"], "failed");
    assert!(found["failure"].as_str().unwrap().contains("failed validation"), "{found}");
    let view = words(&app.page(OPERATE, VIEW).await);
    assert!(view.contains("Failed") && view.contains("failed validation"), "{view}");
    let overview = app.page(OPERATE, "").await;
    let failures = overview.text.matches("Show error").count();
    assert!(failures == 1 && overview.text.contains("<progress"), "{failures} in {}", overview.text);
    db.run_command(doc! { "collMod": "orders", "validator": {} }).await.unwrap();
    migrator.up().await.unwrap();
    assert_once(&db, MANY, "repaired").await;
}

#[tokio::test]
async fn a_backfill_is_canceled_restarted_and_retried() {
    let db = TestDb::new().await;
    let migrator = started(&db).await;
    let app = App::new(&migrator);
    let (cancel, restart) = (format!("/backfills/{ID}/cancel"), format!("/backfills/{ID}/restart"));
    let why = json!({ "because": "wrong totals" });
    let seen = async || app.get(READ, "/status").await.header("etag").unwrap().to_owned();
    let stale = seen().await;
    for (token, tag, path, body, status) in [
        (OPERATE, &stale, &cancel, &why, StatusCode::FORBIDDEN),
        (REPAIR, &"\"stale\"".to_owned(), &cancel, &why, StatusCode::PRECONDITION_FAILED),
        (REPAIR, &stale, &cancel, &json!({}), StatusCode::UNPROCESSABLE_ENTITY),
        (REPAIR, &stale, &format!("/backfills/{DEPENDENT}/cancel"), &why, StatusCode::CONFLICT),
    ] {
        let answer = app.confirm(tag, Method::POST, token, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
    let unconfirmed = app.json(Method::POST, REPAIR, &restart, &why).await;
    assert_eq!(unconfirmed.status, StatusCode::PRECONDITION_REQUIRED, "{}", unconfirmed.text);
    let text = words(&app.page(REPAIR, VIEW).await);
    assert!(
        text.contains("Cancel the backfill… What it has changed stays") && text.contains("Restart the backfill… "),
        "{text}"
    );
    assert!(!words(&app.page(OPERATE, VIEW).await).contains("Cancel the backfill…"));

    let ended = app.confirm(&stale, Method::POST, REPAIR, &cancel, &why).await;
    assert_eq!(ended.value()["amended"], json!([{ "id": ID, "act": "cancel" }]), "{}", ended.text);
    assert!(listed(&app).await.is_empty());
    let status = app.get(READ, "/status?state=canceled").await.value();
    assert_eq!((&status["pending"][0]["id"], &status["pending"][0]["status"]), (&json!(ID), &json!("canceled")));
    assert_eq!((&status["manual"], &status["totalPending"]), (&json!(1), &json!(1)));
    assert_eq!(app.get(READ, "/status?state=manual").await.value()["pending"], json!([]));
    let overview = words(&app.page(REPAIR, "").await);
    assert!(overview.contains("1 migration is pending") && overview.contains("Canceled 1"), "{overview}");
    let plan = words(&app.page(OPERATE, "plan").await);
    assert!(plan.contains(&format!("waits for {ID} , canceled , which runs only when it is named.")), "{plan}");
    let view = words(&app.page(REPAIR, VIEW).await);
    assert!(
        view.contains("Canceled") && view.contains("Restart the backfill… ") && !view.contains("Cancel the backfill… "),
        "{view}"
    );

    let tag = seen().await;
    let form = [("id", ID), ("seen", tag.trim_matches('"')), ("because", "corrected")];
    assert_eq!(app.form(REPAIR, "restart", &form).await.status, StatusCode::SEE_OTHER);
    let tag = seen().await;
    let form = [("id", ID), ("seen", tag.trim_matches('"')), ("because", "again")];
    let over = app.form(REPAIR, "cancel", &form).await;
    assert!(
        over.status == StatusCode::CONFLICT && over.text.contains("not a backfill that is underway"),
        "{}",
        over.text
    );

    // It fails, and is tried again by name.
    let refused = doc! { "collMod": "orders", "validator": { "$nor": [{ "_id": 5, "n": 1 }] } };
    db.run_command(refused).await.unwrap();
    migrator.up().await.unwrap_err();
    db.run_command(doc! { "collMod": "orders", "validator": {} }).await.unwrap();
    let retry = format!("/backfills/{ID}/retry");
    let other = app.json(Method::POST, OPERATE, &format!("/backfills/{DEPENDENT}/retry"), &json!({})).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "{}", other.text);
    assert_eq!(app.json(Method::POST, READ, &retry, &json!({})).await.status, StatusCode::FORBIDDEN);
    let answer = app.prefer("wait=60", OPERATE, &retry, &json!({ "because": "mended" })).await;
    assert_eq!(
        (answer.status, &answer.value()["executions"][0]["id"]),
        (StatusCode::OK, &json!(ID)),
        "{}",
        answer.text
    );
    migrator.up().await.unwrap();
    assert_once(&db, MANY, "retried").await;
    let acts: Vec<_> = app.get(READ, &format!("/history?migration={ID}")).await.value()["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["act"].as_str().unwrap().to_owned())
        .collect();
    // The first is the start of what was canceled.
    assert_eq!(acts, ["up", "up", "restart", "cancel", "up"]);
    let text = words(&app.page(OPERATE, "history").await);
    assert!(text.contains("Backfill canceled") && text.contains("Backfill restarted"), "{text}");
}

/// Changed code goes on with a backfill only if the request says so.
#[tokio::test]
async fn a_backfill_goes_on_with_changed_code() {
    let db = TestDb::new().await;
    started(&db).await;
    let app = App::new(&changed_migrator((*db).clone(), Duration::from_secs(2)));
    let up = async |body: Value| app.prefer("wait=60", OPERATE, "/up", &body).await;
    let dry = json!({ "only": ID, "withChangedCode": true, "dryRun": true });
    for wrong in [json!({ "withChangedCode": true }), dry] {
        let refused = up(wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    }
    let tag = app.get(OPERATE, &format!("/plan?only={ID}")).await.header("etag").unwrap().to_owned();
    let confirmed = json!({ "only": ID, "withChangedCode": true });
    let confirmed = app.confirm(&tag, Method::POST, OPERATE, "/up", &confirmed).await;
    assert_eq!(confirmed.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", confirmed.text);
    let warned = up(json!({ "only": ID })).await;
    assert!(warned.text.contains("describes another change"), "{}", warned.text);
    assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, 0);
    let answer = up(json!({ "only": ID, "withChangedCode": true })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(count(&db, "orders", doc! { "n": 1, "changed": 1 }).await, MANY.unsigned_abs());
}
