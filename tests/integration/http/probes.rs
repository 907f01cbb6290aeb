//! The probes of an orchestrator.

use std::time::Instant;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::future::join_all;
use mongodb::bson::doc;
use mongrate_tests::TestDb;
use mongrate_tests::http::{Answer, App, OPERATE, READ};
use mongrate_tests::stored::collections;

use super::story::{self, ROLES};

async fn probe(app: &App, path: &str, token: Option<&str>) -> Answer {
    let request = Request::get(path).header("host", "10.0.0.7:3000");
    let request = token.into_iter().fold(request, |request, token| request.header("x-admin-token", token));
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn ready_follows_the_database_and_shows_no_ids() {
    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    let answer = probe(&app, "/readyz", None).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"pending"}"#));
    assert!(collections(&db).await.is_empty());

    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    story::build(&db).up().await.unwrap();
    let answer = probe(&app, "/readyz", None).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, r#"{"status":"healthy"}"#));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-mongrate-process"), None);
}

#[tokio::test]
async fn details_need_the_right_to_look() {
    let db = TestDb::new().await;
    let app = App::new(&story::fail(&db).await);
    assert_eq!(probe(&app, "/readyz?verbose", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(probe(&app, "/readyz?verbose", Some("x")).await.status, StatusCode::UNAUTHORIZED);
    for token in [READ, OPERATE] {
        let answer = probe(&app, "/readyz?verbose", Some(token)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.value()["failed"][0], ROLES);
    }
    assert_eq!(probe(&app, "/readyz?loud", None).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn probes_as_load_on_the_database() {
    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    let began = Instant::now();
    let _ = db.commands().take();
    let answers = join_all((0..1000).map(|_| probe(&app, "/readyz", None))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE));
    // A reading is two commands, and one more for the comparison with the database once a minute.
    let readings = usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    let sent = db.commands().take();
    assert!(sent.len() <= 2 * readings + 1, "{sent:?}");
    for _ in 0..1000 {
        assert_eq!(probe(&app, "/livez", None).await.text, "ok");
    }
    assert!(db.commands().take().is_empty());
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_not_ready_within_seconds() {
    let db = TestDb::new().await;
    let options = mongodb::options::ClientOptions::parse("mongodb://127.0.0.1:9/").await.unwrap();
    let nowhere = mongodb::Client::with_options(options).unwrap().database(db.name());
    let app = App::new(&story::build(&nowhere));
    let began = Instant::now();
    let answers = join_all((0..20).map(|_| probe(&app, "/readyz", None))).await;
    assert!(answers.iter().all(|answer| answer.text == r#"{"status":"unreachable"}"#), "{answers:?}");
    assert!(began.elapsed().as_secs() < 5);
    assert_eq!(probe(&app, "/livez", None).await.status, StatusCode::OK);
    db.run_command(doc! { "ping": 1 }).await.unwrap();
}
