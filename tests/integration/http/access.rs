//! Who may do what.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use mongrate::Migrator;
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, App, READ, api};

#[tokio::test]
async fn without_a_valid_token_nothing_is_shown() {
    let db = TestDb::new().await;
    let app = App::new(&Migrator::builder(db.clone()).build().unwrap());
    let anonymous = Request::get(format!("{API}/status")).body(Body::empty()).unwrap();
    let answer = app.send(anonymous).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(answer.value()["code"], "unauthenticated");
    let wrong = api(Method::GET, "another-token-of-at-least-32-characters", "/status").body(Body::empty()).unwrap();
    assert_eq!(app.send(wrong).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.get(READ, "/status").await.status, StatusCode::OK);
}
