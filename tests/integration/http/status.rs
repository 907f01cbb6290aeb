//! The status and the checks beside it.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use mongrate::__private::{Down, Registration};
use mongrate::{Kind, Migration, Migrator, Registry};
use mongrate_tests::TestDb;
use mongrate_tests::http::{App, OPERATE, READ, api};
use mongrate_tests::stored::{collections, fingerprint};
use serde_json::{Value, json};

use super::story::{self, ALONE, MANUAL, ROLES, SECRET, USERS};

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_status_is_as_the_first_request_of_the_guide_expects() {
    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    let status = app.get(READ, "/status").await.value();
    assert_eq!(ids(&status["pending"]), [USERS, ROLES, ALONE, MANUAL]);
    assert_eq!(status["completed"], json!([]));
    assert_eq!(
        (&status["isRunning"], &status["totalPending"], &status["totalCompleted"]),
        (&json!(false), &json!(3), &json!(0))
    );
    let first = &status["pending"][1];
    assert_eq!((&first["description"], &first["source"]), (&json!("Users have roles."), &json!("module:reads")));
    assert_eq!(first["dependencies"], json!([USERS]));
    assert!(first["checksum"].as_str().unwrap().starts_with('t'));
    // Reads create nothing (I4).
    assert!(collections(&db).await.is_empty());

    story::build(&db).up().await.unwrap();
    let before = fingerprint(&db).await;
    let status = app.get(READ, "/status").await.value();
    assert_eq!(ids(&status["completed"]), [USERS, ROLES, ALONE]);
    assert_eq!(
        (&status["totalPending"], &status["totalCompleted"], &status["manual"]),
        (&json!(0), &json!(3), &json!(1))
    );
    assert_eq!(fingerprint(&db).await, before);
}

#[tokio::test]
async fn filters_select_and_totals_stay() {
    let db = TestDb::new().await;
    let app = App::new(&story::fail(&db).await);
    for (query, pending, completed) in [
        ("state=failed", vec![ROLES], vec![]),
        ("state=pending", vec![ROLES, ALONE], vec![]),
        ("state=manual", vec![MANUAL], vec![]),
        ("state=completed", vec![], vec![USERS]),
        ("q=PRICES", vec![ALONE, MANUAL], vec![]),
        ("q=002", vec![ROLES], vec![]),
        ("isolated=true", vec![ROLES, ALONE, MANUAL], vec![]),
        ("drifted=true", vec![], vec![]),
        ("source=module%3Areads&state=completed&drifted=false", vec![], vec![USERS]),
    ] {
        let status = app.get(READ, &format!("/status?{query}")).await.value();
        assert_eq!((ids(&status["pending"]), ids(&status["completed"])), (pending, completed), "{query}");
        assert_eq!((&status["totalPending"], &status["totalCompleted"]), (&json!(2), &json!(1)), "{query}");
    }
    let unknown = app.get(READ, "/status?source=module%3Amenus").await;
    assert_eq!((unknown.status, &unknown.value()["code"]), (StatusCode::NOT_FOUND, &json!("unknown-source")));
}

#[tokio::test]
async fn pages_cover_everything_once() {
    let db = TestDb::new().await;
    let app = App::new(&story::fail(&db).await);
    let (mut seen, mut query) = (BTreeSet::new(), "limit=1".to_owned());
    loop {
        let page = app.get(READ, &format!("/status?{query}")).await.value();
        let found: Vec<_> = ids(&page["pending"]).into_iter().chain(ids(&page["completed"])).collect();
        assert_eq!(found.len(), 1, "{page}");
        assert!(seen.insert(found[0].to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("limit=1&cursor={next}");
    }
    assert_eq!(seen.len(), 4);
    assert_eq!(app.get(READ, "/status?cursor=001_nothing").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_entity_tag_changes_with_what_is_decided_upon() {
    let db = TestDb::new().await;
    let migrator = story::fail(&db).await;
    let app = App::new(&migrator);
    let tag = app.get(READ, "/status").await.header("etag").unwrap().to_owned();
    let ask = |tags: String| {
        let request = api(Method::GET, READ, "/status?state=failed").header("if-none-match", tags);
        app.send(request.body(Body::empty()).unwrap())
    };
    for tags in [tag.clone(), format!("\"other\", W/{tag}")] {
        let answer = ask(tags).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }
    assert_eq!(ask("\"other\"".to_owned()).await.status, StatusCode::OK);
    migrator.up().only(ROLES).await.unwrap();
    let answer = ask(tag.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_ne!(answer.header("etag"), Some(tag.as_str()));
}

#[tokio::test]
async fn readers_see_no_values_of_documents() {
    let db = TestDb::new().await;
    let app = App::new(&story::fail(&db).await);
    for path in ["/status", "/pending", "/validate", "/history", &format!("/migrations/{ROLES}"), "/health"] {
        let (reader, operator) = (app.get(READ, path).await, app.get(OPERATE, path).await);
        assert!(!reader.text.contains(SECRET), "{path}: {}", reader.text);
        let shows_errors = reader.text.contains("E11000");
        assert_eq!(shows_errors, path != "/health", "{path}: {}", reader.text);
        assert_eq!(operator.text.contains(SECRET), shows_errors, "{path}: {}", operator.text);
    }
}

#[tokio::test]
async fn the_application_may_decide_what_readers_see() {
    let db = TestDb::new().await;
    let migrator = story::fail(&db).await;
    let admin = mongrate_admin::Admin::new(&migrator, mongrate_tests::http::tokens());
    let app = App::of(&admin.redact(|error| format!("{} characters", error.len())).build());
    let status = app.get(READ, "/status?state=failed").await.value();
    assert!(status["pending"][0]["record"]["error"].as_str().unwrap().ends_with(" characters"));
}

#[tokio::test]
async fn checks_have_the_shapes_of_the_command_line() {
    let db = TestDb::new().await;
    let app = App::new(&story::fail(&db).await);
    assert_eq!(ids(&app.get(READ, "/pending").await.value()["migrations"]), [ROLES, ALONE, MANUAL]);
    let version = app.get(READ, "/version").await.value();
    assert_eq!(version["sources"][0]["current"], json!(USERS));
    let validation = app.get(READ, "/validate").await.value();
    assert_eq!((&validation["valid"], &validation["findings"][0]["problem"]), (&json!(false), &json!("failed")));
    let statistics = app.get(READ, "/statistics").await.value();
    assert_eq!(
        (&statistics["migrations"][1]["id"], &statistics["migrations"][1]["failures"]),
        (&json!(ROLES), &json!(1))
    );
    let health = app.get(READ, "/health").await.value();
    assert_eq!((&health["status"], &health["ready"]), (&json!("failed"), &json!(false)));
    for path in ["/lock", "/lock/status"] {
        let lock = app.get(READ, path).await.value();
        assert_eq!((&lock["holder"], lock["token"].as_i64()), (&Value::Null, Some(1)));
    }
}

#[tokio::test]
async fn other_parameters_and_values_are_refused_with_the_ones_that_exist() {
    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    for (path, hint) in [
        ("/status?states=failed", "`state`"),
        ("/status?state=", "`rolled-back`"),
        ("/status?state=done", "`rolled-back`"),
        ("/status?limit=0", "from 1 to 1000"),
        ("/status?isolated=yes", "`true` or `false`"),
        ("/status?limit=5&limit=6", "twice"),
        ("/pending?limit=5", "none"),
        ("/history?limit=501", "from 1 to 500"),
        ("/history?since=yesterday", "2026-05-02T10:00:00Z"),
        ("/history?skip=1&cursor=0", "exclude each other"),
        ("/history?cursor=0", "cursor"),
        ("/history?act=undo", "`mark-applied`"),
        ("/migrations/001_users?verbose=true", "none"),
    ] {
        let answer = app.get(READ, path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text);
        assert!(answer.text.contains(hint), "{path}: {}", answer.text);
    }
    assert!(db.commands().take().is_empty());
}

#[tokio::test]
async fn head_is_get_without_a_body_and_accept_is_heeded() {
    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    let send = |method: Method, accept: &'static str| {
        let request = api(method, READ, "/status").header("accept", accept);
        app.send(request.body(Body::empty()).unwrap())
    };
    let head = send(Method::HEAD, "*/*").await;
    assert_eq!(
        (head.status, head.header("content-type"), head.text.as_str()),
        (StatusCode::OK, Some("application/json"), "")
    );
    assert_eq!(send(Method::GET, "text/html, application/*;q=0.8").await.status, StatusCode::OK);
    let refused = send(Method::GET, "text/html").await;
    assert_eq!((refused.status, &refused.value()["code"]), (StatusCode::NOT_ACCEPTABLE, &json!("not-acceptable")));
}

/// A migration that is never run, in place of the macro's static.
fn leak(id: &'static str) -> Migration {
    Migration::new(Box::leak(Box::new(Registration {
        id,
        checksum: "t2:1",
        file: file!(),
        line: line!(),
        up: &Down { kind: Kind::Tx, body: |_| Box::pin(async { Ok(()) }) },
        ..Registration::DEFAULT
    })))
}

#[tokio::test]
async fn the_status_of_1_000_migrations_costs_two_commands() {
    let db = TestDb::new().await;
    let ids: Vec<&'static str> =
        (0..1000).map(|place| &*format!("{:08}-many_{place}", 20_000_101 + place).leak()).collect();
    let registry: Registry = ids.iter().map(|id| leak(id)).collect();
    let migrator = Migrator::builder(db.clone()).registry(registry).build().unwrap();
    migrator.mark_applied(ids[500..].iter().copied()).because("a test").await.unwrap();
    let app = App::new(&migrator);
    let _ = db.commands().take();
    let status = app.get(READ, "/status").await.value();
    assert_eq!(db.commands().take(), ["find", "find"]);
    assert_eq!((&status["totalPending"], &status["totalCompleted"]), (&json!(500), &json!(500)));
    assert_eq!(status["next"], Value::Null);
}
