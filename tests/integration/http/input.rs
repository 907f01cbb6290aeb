//! Bad input: bodies, ids and texts that nobody should send.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use futures_util::stream::{self, StreamExt};
use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};
use mongrate_admin::{Admin, Grant};
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, Answer, App, OPERATE, PAGE, READ, api, tokens};
use mongrate_tests::stored::{documents, migrator, record};
use serde_json::json;

#[migration(id = "001_only", source = "module:http-input")]
async fn only(_: &mut Tx) -> Result<(), mongodb::error::Error> {
    Ok(())
}

const ONLY: &str = "module:http-input:001_only";

/// Changes the direction of writing.
const BIDI: char = '\u{202e}';

fn app(db: &TestDb) -> App {
    App::new(&migrator(db, "module:http-input").build().unwrap())
}

async fn up(app: &App, kind: Option<&str>, body: impl Into<Body>) -> Answer {
    let request = api(Method::POST, OPERATE, "/up");
    let request = if let Some(kind) = kind { request.header(CONTENT_TYPE, kind) } else { request };
    app.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_malformed_body_is_refused_before_anything_runs() {
    let db = TestDb::new().await;
    let app = app(&db);
    let json = Some("application/json");
    let deep = format!("{{\"only\":{}", "[".repeat(60_000));
    for (body, status) in [
        (b"{".as_slice(), 400),
        (b"nope", 400),
        (b"{} {}", 400),
        (b"{\"because\":\"\xff\"}", 400),
        (b"{\"because\":\"\\ud800\"}", 400),
        (deep.as_bytes(), 400),
        (b"[]", 422),
        (b"[{}]", 422),
        (b"null", 422),
        (b"\"up\"", 422),
        (b"{\"onyl\":\"x\"}", 422),
        (b"{\"because\":\"a\",\"because\":\"b\"}", 422),
        (b"{\"timeoutMs\":-1}", 422),
        (b"{\"timeoutMs\":1e400}", 400),
        (b"{\"dryRun\":\"yes\"}", 422),
        (b"{\"only\":{\"$ne\":null}}", 422),
    ] {
        let answer = up(&app, json, body.to_vec()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]);
        assert_eq!(answer.status.as_u16(), status, "{shown}: {}", answer.text);
        assert_eq!(answer.value()["code"], "usage", "{shown}");
        assert!(answer.text.len() < 1_000, "{shown}: {}", answer.text);
    }
    let unknown = up(&app, json, "{\"onyl\":\"x\"}").await;
    assert!(unknown.text.contains("`onyl`") && unknown.text.contains("`only`"), "{}", unknown.text);
    assert!(documents(&db, "migrations").await.is_empty());
}

#[tokio::test]
async fn another_type_is_415_so_that_a_form_of_another_site_cannot_reach_the_api() {
    let db = TestDb::new().await;
    let app = app(&db);
    for kind in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx"), Some("")]
    {
        let answer = up(&app, kind, "{}").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind:?}: {}", answer.text);
        assert!(answer.text.contains("application/json"), "{}", answer.text);
    }
    assert!(documents(&db, "migrations").await.is_empty());
    for (kind, body) in [(Some("Application/JSON; charset=utf-8"), "{}"), (None, "")] {
        assert_eq!(up(&app, kind, body).await.status, StatusCode::OK, "{kind:?}");
    }
}

#[tokio::test]
async fn a_large_body_is_413() {
    let db = TestDb::new().await;
    let app = app(&db);
    let json = Some("application/json");
    let fits = format!("{{\"to\":\"{}\"}}", "x".repeat(64 * 1024 - 9));
    assert_eq!(fits.len(), 64 * 1024);
    assert_eq!(up(&app, json, fits.clone()).await.status, StatusCode::NOT_FOUND, "no such migration");
    assert_eq!(up(&app, json, format!("{fits} ")).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Of unknown length.
    let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[b' '; 1000])));
    let answer = up(&app, json, Body::from_stream(endless)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.value()["code"], "too-large");
}

#[tokio::test]
async fn a_slow_body_is_408() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-input").build().unwrap();
    let admin = Admin::new(&migrator, tokens()).patience(Duration::from_millis(100), Duration::from_secs(30)).build();
    let begin = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"{"))]);
    let answer =
        up(&App::of(&admin), Some("application/json"), Body::from_stream(begin.chain(stream::pending()))).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT, "{}", answer.text);
    assert_eq!(answer.value()["code"], "too-slow");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let db = TestDb::new().await;
    let broken = stream::iter([Ok(Bytes::from_static(b"{}")), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    let answer = up(&app(&db), Some("application/json"), Body::from_stream(broken)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert!(documents(&db, "migrations").await.is_empty());
}

#[tokio::test]
async fn path_traversal_and_other_odd_ids_name_nothing() {
    let db = TestDb::new().await;
    let app = app(&db);
    let long = "x".repeat(10 * 1024);
    for id in [
        "..%2f..%2fetc%2fpasswd",
        "..",
        "%2e%2e",
        "%00",
        "001_only%00",
        "a%0d%0aSet-Cookie:%20b=c",
        "%ff",
        "%c0%ae",
        "%e2%80%ae",
        "%24ne",
        "%7B%7D",
        ":",
        "::",
        "module:http-input:",
        "javascript:alert(1)",
        &long,
    ] {
        for (method, path) in [(Method::POST, format!("/migrations/{id}/run")), (Method::GET, format!("/runs/{id}"))] {
            let answer = app.send(api(method, OPERATE, &path).body(Body::empty()).unwrap()).await;
            let is_refused = [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND].contains(&answer.status);
            assert!(is_refused, "{path}: {} {}", answer.status, answer.text);
            assert_eq!(answer.header("set-cookie"), None);
            assert!(!answer.text.contains(BIDI), "{}", answer.text);
        }
    }
    assert!(documents(&db, "migrations").await.is_empty());
}

#[tokio::test]
async fn header_injection_is_refused_in_all_inputs() {
    let db = TestDb::new().await;
    let app = app(&db);
    for text in ["a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\0b", "a\u{1b}[31mb", "a\u{202e}b", "a\u{2028}b"] {
        for body in [json!({ "because": text }), json!({ "by": text })] {
            let answer = app.post(OPERATE, "/up", &body).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text);
        }
        for body in [json!({ "only": text }), json!({ "to": text })] {
            let answer = app.post(OPERATE, "/up", &body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{body}: {}", answer.text);
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
    for query in ["verb=up%0d%0aX:%20y", "dryRun=true%0d%0a", "%0d%0aX=y"] {
        let answer = app.get(OPERATE, &format!("/plan?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.text);
    }
    assert!(documents(&db, "migrations").await.is_empty());
}

#[tokio::test]
async fn who_and_why_are_short() {
    let db = TestDb::new().await;
    let app = app(&db);
    for body in [json!({ "by": "ü".repeat(101) }), json!({ "because": "ü".repeat(501) })] {
        let answer = app.post(OPERATE, "/up", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    }
    assert!(documents(&db, "migrations").await.is_empty());
    let body = json!({ "by": "ü".repeat(100), "because": "ü".repeat(500) });
    assert_eq!(app.post(OPERATE, "/up", &body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn control_and_bidi_characters_are_shown_as_escapes() {
    let db = TestDb::new().await;
    let actor = format!("a{BIDI}na\u{7f}\u{9b}");
    let access = {
        let actor = actor.clone();
        move |_: &Parts| Grant::repair(actor.clone())
    };
    let app = App::of(&Admin::new(&migrator(&db, "module:http-input").build().unwrap(), access).build());
    assert_eq!(up(&app, None, "").await.status, StatusCode::OK);
    // The record of a former migration with a hostile name.
    let former = format!("module:http-input:000_{BIDI}former");
    let mut hostile = record(&db, ONLY).await.unwrap();
    hostile.insert("_id", &former);
    db.collection::<Document>("migrations").insert_one(hostile).await.unwrap();
    db.collection::<Document>("migrations")
        .update_one(doc! { "_id": &former }, doc! { "$set": { "id": &former } })
        .await
        .unwrap();

    // JSON keeps the value.
    let run = app.get(READ, "/runs/1").await;
    assert!(run.text.contains("a\\u202ena\\u007f\\u009b") && !run.text.contains(BIDI), "{}", run.text);
    assert_eq!(run.value()["by"], actor);
    let refused = up(&app, None, "").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("000_\\u202eformer") && !refused.text.contains(BIDI), "{}", refused.text);

    let page = app.send(api(Method::GET, READ, "").uri(format!("{PAGE}/")).body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(
        page.text.contains("a\\u{202e}na\\u{7f}\\u{9b}") && page.text.contains("000_\\u{202e}former"),
        "{}",
        page.text
    );
    assert!(!page.text.contains([BIDI, '\u{7f}', '\u{9b}']), "{}", page.text);
}

#[tokio::test]
async fn an_unknown_path_says_so() {
    let db = TestDb::new().await;
    let answer = app(&db).get(READ, "/no/such/path").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{API}");
    assert_eq!(answer.value()["code"], "not-found");
}
