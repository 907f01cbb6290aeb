//! Who may do what.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use mongrate::Migrator;
use mongrate_admin::{Admin, Grant};
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, App, OPERATE, PAGE, READ, api};
use mongrate_tests::stored::migrator;
use serde_json::json;

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

#[tokio::test]
async fn who_is_known_cannot_act_in_the_name_of_somebody_else() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-levels").build().unwrap();
    let app = App::of(&Admin::new(&migrator, |_: &_| Grant::operate("ana")).build());
    let answer = app.post(OPERATE, "/up", &json!({ "by": "ben" })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(app.get(OPERATE, "/runs/1").await.value()["by"], "ana");
}

#[tokio::test]
async fn the_applications_own_sign_in_is_for_the_page_alone() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-levels").build().unwrap();
    let app = App::of(&Admin::new(&migrator, |_: &_| Grant::sign_in_at("/login?from=admin")).build());
    let page = app.send(Request::get(format!("{PAGE}/")).body(Body::empty()).unwrap()).await;
    assert_eq!((page.status, page.header("location")), (StatusCode::SEE_OTHER, Some("/login?from=admin")));
    assert_eq!(app.get(OPERATE, "/status").await.status, StatusCode::UNAUTHORIZED);

    let hostile = App::of(&Admin::new(&migrator, |_: &_| Grant::sign_in_at("/\r\nSet-Cookie: a=b")).build());
    let page = hostile.send(Request::get(format!("{PAGE}/")).body(Body::empty()).unwrap()).await;
    assert_eq!((page.status, page.header("set-cookie")), (StatusCode::INTERNAL_SERVER_ERROR, None));
}
