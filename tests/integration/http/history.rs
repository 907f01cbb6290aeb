//! The history over HTTP.

use axum::http::StatusCode;
use mongrate_tests::TestDb;
use mongrate_tests::http::{App, READ};
use serde_json::{Value, json};

use super::story::{self, ALONE, ROLES, USERS};

fn told(page: &Value) -> Vec<(&str, &str, &str)> {
    let entries = page["entries"].as_array().unwrap().iter();
    entries.map(|entry| ["act", "migrationId", "by"].map(|name| entry[name].as_str().unwrap_or("-")).into()).collect()
}

#[tokio::test]
async fn filters_select_entries() {
    let db = TestDb::new().await;
    let migrator = story::fail(&db).await;
    migrator.up().by("ben").because("OPS-17").await.unwrap();
    migrator.mark_pending([ALONE]).by("cleo").because("it was lost").await.unwrap();
    let app = App::new(&migrator);
    let middle = app.get(READ, &format!("/history?migration={ROLES}&status=completed")).await.value();
    let middle = middle["entries"][0]["executedAt"].as_str().unwrap().to_owned();
    for (query, expected) in [
        ("limit=50&status=failed", vec![("up", ROLES, "ana")]),
        ("act=mark-pending", vec![("mark-pending", ALONE, "cleo")]),
        ("by=ana", vec![("up", ROLES, "ana"), ("up", USERS, "ana")]),
        (&format!("migration={ROLES}"), vec![("up", ROLES, "ben"), ("up", ROLES, "ana")]),
        (&format!("migration={ROLES}&since={middle}"), vec![("up", ROLES, "ben")]),
        (&format!("migration={ROLES}&until={middle}"), vec![("up", ROLES, "ana")]),
        ("source=system", vec![]),
    ] {
        let page = app.get(READ, &format!("/history?{query}")).await.value();
        assert_eq!(told(&page), expected, "{query}");
        assert_eq!(page["total"], json!(expected.len()), "{query}");
    }
    let unknown = app.get(READ, "/history?migration=module:reads:002_role").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text.contains(ROLES), "{}", unknown.text);
}

#[tokio::test]
async fn pages_follow_each_other_while_entries_are_added() {
    let db = TestDb::new().await;
    let migrator = story::build(&db);
    migrator.up().by("ana").await.unwrap();
    let app = App::new(&migrator);
    let all = app.get(READ, "/history").await.value();
    let expected = told(&all);
    assert!(expected.len() >= 3);
    let (mut found, mut path) = (Vec::new(), "history?limit=1&act=up".to_owned());
    loop {
        let answer = app.get(READ, &format!("/{path}")).await;
        let page = answer.value();
        found.extend(page["entries"].as_array().unwrap().clone());
        migrator.mark_pending([ALONE]).because("a new entry").await.unwrap();
        migrator.mark_applied([ALONE]).because("a new entry").await.unwrap();
        let Some(link) = answer.header("link") else {
            assert_eq!(page["next"], Value::Null);
            break;
        };
        let (url, relation) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
        assert_eq!(relation, "; rel=\"next\"");
        assert!(url.contains(page["next"].as_str().unwrap()) && url.contains("act=up"), "{url}");
        path = url.to_owned();
    }
    let ran: Vec<_> = all["entries"].as_array().unwrap().iter().filter(|entry| entry["act"] == "up").cloned().collect();
    assert_eq!(found, ran);
    let skipped = app.get(READ, "/history?act=up&skip=1&limit=1").await.value();
    assert_eq!(skipped["entries"][0], ran[1]);
}
