//! Everything about one migration, over HTTP.

use axum::http::StatusCode;
use mongrate_tests::TestDb;
use mongrate_tests::http::{App, READ};
use serde_json::json;

use super::story::{self, ROLES, USERS};

#[tokio::test]
async fn a_migration_has_is_pending_and_executions() {
    let db = TestDb::new().await;
    let migrator = story::fail(&db).await;
    migrator.mark_pending([USERS]).because("a test").await.unwrap();
    migrator.mark_applied([USERS]).because("a test").await.unwrap();
    let app = App::new(&migrator);
    for path in
        [format!("/{ROLES}"), format!("/migrations/{ROLES}"), format!("/migrations/{}", ROLES.replace(':', "%3A"))]
    {
        let shown = app.get(READ, &path).await.value();
        assert_eq!((&shown["id"], &shown["isPending"]), (&json!(ROLES), &json!(true)));
        assert_eq!(shown["executions"].as_array().unwrap().len(), 1);
        assert_eq!(shown["executions"][0]["status"], "failed");
        assert_eq!(shown["migration"]["dependencies"], json!([USERS]));
    }
    let shown = app.get(READ, &format!("/{USERS}")).await.value();
    assert_eq!((&shown["isPending"], &shown["dependents"]), (&json!(false), &json!([ROLES])));
    // Marking is no execution.
    assert_eq!((shown["executions"].as_array().unwrap().len(), &shown["history"]["total"]), (1, &json!(3)));
}

#[tokio::test]
async fn an_unknown_id_is_answered_with_the_nearest() {
    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    for path in ["/module:reads:002_rolse", "/migrations/module:reads:002_rolse"] {
        let answer = app.get(READ, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let problem = answer.value();
        assert_eq!(problem["code"], "unknown-migration");
        assert!(problem["help"].as_str().unwrap().contains(ROLES), "{problem}");
    }
    // Linked in, but not selected.
    let other = app.get(READ, "/module:history:001_first").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}
