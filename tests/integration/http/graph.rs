//! The dependency graph over HTTP.

use axum::http::StatusCode;
use mongrate_tests::TestDb;
use mongrate_tests::http::{App, READ};
use serde_json::json;

use super::story::{self, ALONE, ROLES, USERS};

#[tokio::test]
async fn the_graph_has_four_formats() {
    let db = TestDb::new().await;
    let app = App::new(&story::fail(&db).await);
    let graph = app.get(READ, "/graph").await.value();
    assert_eq!(graph["edges"], json!([{ "from": USERS, "to": ROLES }]));
    assert_eq!((graph["nodes"].as_array().unwrap().len(), &graph["nodes"][0]["status"]), (4, &json!("completed")));
    for (format, kind, beginning) in [
        ("svg", "image/svg+xml", "<svg"),
        ("dot", "text/vnd.graphviz", "//"),
        ("mermaid", "text/vnd.mermaid", "flowchart"),
    ] {
        let answer = app.get(READ, &format!("/graph?format={format}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, Some(kind)));
        assert!(answer.text.starts_with(beginning) && answer.text.contains("002_roles"), "{}", answer.text);
    }
}

#[tokio::test]
async fn svg_as_a_document() {
    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    let answer = app.get(READ, "/graph?format=svg").await;
    let policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'";
    assert_eq!(answer.header("content-security-policy"), Some(policy));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    roxmltree::Document::parse(&answer.text).unwrap();
}

#[tokio::test]
async fn a_neighborhood_is_a_part_of_the_graph() {
    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    for (query, expected) in [
        (format!("around={ROLES}"), vec![USERS, ROLES]),
        (format!("around={ROLES}&depth=0"), vec![ROLES]),
        (format!("around={USERS}&depth=1"), vec![USERS, ROLES]),
        (format!("around={ALONE}"), vec![ALONE]),
    ] {
        let graph = app.get(READ, &format!("/graph?{query}")).await.value();
        let ids: Vec<_> = graph["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let unknown = app.get(READ, "/graph?around=module:reads:002_rolse").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text.contains(ROLES), "{}", unknown.text);
    assert_eq!(app.get(READ, "/graph?depth=1").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.get(READ, "/graph?format=png").await.status, StatusCode::BAD_REQUEST);
}
