//! Failures of the database, and how they are answered.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, StatusCode};
use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};
use mongrate::{Tx, migration};
use mongrate_admin::Admin;
use mongrate_tests::http::{App, OPERATE, PAGE, READ, REPAIR, api, tokens};
use mongrate_tests::stored::{migrator, record};
use mongrate_tests::{Lost, Proxy, Strike, TestDb};
use serde_json::json;

use crate::logs::Logs;

#[migration(id = "001_only", source = "module:http-failures")]
async fn only(_: &mut Tx) -> Result<(), mongodb::error::Error> {
    Ok(())
}

const SOURCE: &str = "module:http-failures";

async fn database(uri: &str, name: &str) -> Database {
    Client::with_options(ClientOptions::parse(uri).await.unwrap()).unwrap().database(name)
}

#[tokio::test]
async fn credentials_of_the_database_are_in_no_byte_sent_or_logged() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let database = database("mongodb://ana:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=200", "x").await;
    let app = App::new(&migrator(&database, SOURCE).build().unwrap());
    let page = api(Method::GET, READ, "").uri(format!("{PAGE}/"));
    let answers = [
        app.get(READ, "/status").await,
        app.send(page.body(Body::empty()).unwrap()).await,
        app.post(OPERATE, "/up", &json!({})).await,
    ];
    for answer in answers {
        assert!(
            !answer.text.contains("hunter2") && !format!("{:?}", answer.headers).contains("hunter2"),
            "{}",
            answer.text
        );
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
        assert!(answer.headers.contains_key("retry-after"), "{:?}", answer.headers);
    }
    let logs = logs.text();
    assert!(!logs.contains("hunter2"), "{logs}");
    for token in [READ, OPERATE] {
        assert!(!logs.contains(token), "{logs}");
    }
}

#[tokio::test]
async fn a_database_that_hangs_is_503_in_bounded_time_and_recovers() {
    let db = TestDb::new().await;
    let port = mongrate_tests::servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Any(usize::MAX..=usize::MAX), Lost::Request).await;
    let database = database(&proxy.uri(), db.name()).await;
    let patience = Duration::from_millis(500);
    let admin =
        Admin::new(&migrator(&database, SOURCE).build().unwrap(), tokens()).patience(patience, patience).build();
    let app = App::of(&admin);
    assert_eq!(app.get(READ, "/status").await.status, StatusCode::OK);

    proxy.cut();
    let begin = Instant::now();
    let answer = app.get(READ, "/status").await;
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert_eq!(answer.value()["code"], "unreachable");
    assert_eq!(answer.header("retry-after"), Some("5"));
    proxy.mend();
    mongrate_tests::eventually("the status after the cut", async || {
        (app.get(READ, "/status").await.status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_foreign_collection_is_named() {
    let db = TestDb::new().await;
    db.collection::<Document>("migrations")
        .insert_one(doc! { "_id": ObjectId::new(), "fileName": "1-users.js" })
        .await
        .unwrap();
    let app = App::new(&migrator(&db, SOURCE).build().unwrap());
    for answer in [app.get(READ, "/status").await, app.post(REPAIR, "/up", &json!({})).await] {
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.text);
        assert_eq!(answer.value()["code"], "foreign-collection");
        assert!(answer.value()["detail"].as_str().unwrap().contains("'migrations'"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_process_older_than_the_database_runs_only_on_request() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, SOURCE).build().unwrap());
    assert_eq!(app.post(OPERATE, "/up", &json!({})).await.status, StatusCode::OK);
    let mut newer = record(&db, "module:http-failures:001_only").await.unwrap();
    newer.insert("_id", "module:http-failures:002_newer");
    db.collection::<Document>("migrations").insert_one(newer).await.unwrap();

    let answer = app.post(OPERATE, "/up", &json!({})).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert_eq!(answer.value()["code"], "orphans");
    assert!(answer.text.contains("002_newer"), "{}", answer.text);
    let answer = app.post(OPERATE, "/up", &json!({ "acknowledgeOrphans": true })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}
