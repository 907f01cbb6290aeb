//! The graph, in all its formats.

use layout::gv::DotParser;
use mongrate_tests::stored::collections;
use mongrate_tests::{MyApp, TestDb};
use roxmltree::{Document, Node};
use serde_json::Value;

use super::knobs::{HELD, fail, held, mend};

/// After an `up` of which the third migration fails.
async fn partially_applied() -> TestDb {
    let db = TestDb::new().await;
    fail(&db, "003_lower_emails").await;
    let ran = MyApp::on(&db).run(["up"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    db
}

async fn drawn(app: &MyApp, words: &[&str]) -> String {
    let ran = app.run([&["graph"], words].concat()).await;
    assert_eq!(ran.code, 0, "{ran}");
    ran.stdout
}

async fn document(app: &MyApp, words: &[&str]) -> Value {
    serde_json::from_str(&drawn(app, &[&["--format", "json"], words].concat()).await).unwrap()
}

/// The ids of the nodes with what stands beside them.
fn nodes<'j>(document: &'j Value, key: &str) -> Vec<(&'j str, Option<&'j str>)> {
    let nodes = document["nodes"].as_array().unwrap().iter();
    nodes.map(|node| (node["id"].as_str().unwrap(), node[key].as_str())).collect()
}

#[tokio::test]
async fn a_terminal_shows_signs_and_colours() {
    let db = partially_applied().await;
    let app = MyApp::on(&db);
    let rows = [
        "○─╮  ✓ 001_create_users           E-mail addresses are unique.",
        "● │  ✓ 002_assign_roles           Every user has a role.",
        "● │  ✗ 003_lower_emails           E-mail addresses are in lower case, so that nobody is there twice.",
        "● │  ◦ 004_shrink_orders          Shrinks the orders, at a quiet time.",
        "  ●  · module:menu:001_namespace  The menu has a namespace.",
        "  ●  · module:menu:002_prices     Prices are in cents.",
        "",
        "✓ 2 completed  ✗ 1 failed  · 2 pending  ◦ 1 manual",
    ];
    assert_eq!(drawn(&app, &[]).await.lines().collect::<Vec<_>>(), rows);
    let coloured = drawn(&app, &["--color", "always"]).await;
    assert!(coloured.contains("\u{1b}[32m✓ \u{1b}[0m002_assign_roles"), "{coloured}");
    assert!(coloured.contains("\u{1b}[31m●\u{1b}[0m │  \u{1b}[31m✗ \u{1b}[0m003_lower_emails"), "{coloured}");
    assert!(coloured.contains("\u{1b}[33m· 2 pending\u{1b}[0m"), "{coloured}");
}

#[tokio::test]
async fn graphviz_reads_the_digraph() {
    let db = partially_applied().await;
    let dot = drawn(&MyApp::on(&db), &["--format", "dot"]).await;
    DotParser::new(&dot).process().unwrap_or_else(|error| panic!("{error}\n{dot}"));
    for (id, sign, fill) in [
        ("002_assign_roles", '✓', "#dafbe1"),
        ("003_lower_emails", '✗', "#ffebe9"),
        ("004_shrink_orders", '◦', "#f6f8fa"),
    ] {
        let node = format!("\"{id}\" [label=\"{sign} {id}\", fillcolor=\"{fill}\"");
        assert!(dot.contains(&node), "{node} in\n{dot}");
    }
    assert!(dot.contains("\"001_create_users\" -> \"module:menu:001_namespace\"\n"), "{dot}");
}

#[tokio::test]
async fn mermaid_gets_a_flowchart() {
    let db = partially_applied().await;
    let chart = drawn(&MyApp::on(&db), &["--format", "mermaid"]).await;
    assert!(chart.starts_with("flowchart LR\n"), "{chart}");
    assert!(chart.contains("n2[\"✗ 003_lower_emails\"]:::failed\n"), "{chart}");
    assert!(chart.contains("n4[\"· 001_namespace\"]:::pending\n"), "{chart}");
    assert!(chart.contains("\n  n0 --> n4\n"), "{chart}");
}

#[tokio::test]
async fn a_picture_is_whole() {
    let db = partially_applied().await;
    let svg = drawn(&MyApp::on(&db), &["--format", "svg"]).await;
    let picture = Document::parse(&svg).unwrap();
    let is_of = |node: &Node<'_, '_>, class| node.attribute("class") == Some(class) && node.has_attribute("aria-label");
    let titles = |class| {
        let nodes = picture.descendants().filter(|node| is_of(node, class));
        nodes.map(|node| node.first_element_child().and_then(|title| title.text()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(titles("completed").len(), 2, "{svg}");
    assert_eq!(
        titles("failed"),
        ["003_lower_emails (failed): E-mail addresses are in lower case, so that nobody is there twice."]
    );
    assert_eq!(titles("pending").len(), 2, "{svg}");
    assert_eq!(titles("manual").len(), 1, "{svg}");
}

#[tokio::test]
async fn a_program_gets_every_edge() {
    let db = partially_applied().await;
    let document = document(&MyApp::on(&db), &[]).await;
    let expected = [
        ("001_create_users", Some("completed")),
        ("002_assign_roles", Some("completed")),
        ("003_lower_emails", Some("failed")),
        ("004_shrink_orders", Some("manual")),
        ("module:menu:001_namespace", Some("pending")),
        ("module:menu:002_prices", Some("pending")),
    ];
    assert_eq!(nodes(&document, "status"), expected);
    let edges = document["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 5);
    assert_eq!(edges[3]["from"], "001_create_users");
    assert_eq!(edges[3]["to"], "module:menu:001_namespace");
}

#[tokio::test]
async fn what_is_running_is_shown_as_that() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let up = held(&app, &db).await;
    let text = drawn(&app, &[]).await;
    assert!(text.contains("\n● │  ▸ 003_lower_emails "), "{text}");
    assert!(text.ends_with("\n✓ 2 completed  ▸ 1 running  · 2 pending  ◦ 1 manual\n"), "{text}");
    mend(&db, HELD).await;
    let ran = up.finish().await;
    assert_eq!(ran.code, 0, "{ran}");
}

#[tokio::test]
async fn offline_needs_no_database() {
    let app = MyApp::anywhere();
    let text = drawn(&app, &["--offline"]).await;
    assert!(text.starts_with("○─╮  001_create_users           E-mail addresses are unique.\n"), "{text}");
    assert!(text.ends_with("\n\n6 migrations\n"), "{text}");
    let document = document(&app, &["--offline"]).await;
    assert!(nodes(&document, "status").iter().all(|(_, status)| status.is_none()), "{document}");
    for (format, node) in [
        ("dot", "[label=\"003_lower_emails\", fillcolor=\"#f6f8fa\""),
        ("mermaid", "n2[\"003_lower_emails\"]:::linked\n"),
        ("svg", "<g class=\"linked\" role=\"graphics-symbol\" aria-label=\"003_lower_emails: "),
    ] {
        let written = drawn(&app, &["--offline", "--format", format]).await;
        assert!(written.contains(node), "{node} in\n{written}");
    }
    let ran = app.run(["graph"]).await;
    assert_eq!(ran.code, 2, "{ran}");
}

#[tokio::test]
async fn i4_drawing_writes_nothing() {
    let db = TestDb::new().await;
    drawn(&MyApp::on(&db), &[]).await;
    assert!(collections(&db).await.is_empty());
}

#[tokio::test]
async fn parts_of_it_can_be_drawn() {
    let app = MyApp::anywhere();
    let menu = document(&app, &["--offline", "--source", "module:menu"]).await;
    let expected = [
        ("001_create_users", Some("system")),
        ("module:menu:001_namespace", Some("module:menu")),
        ("module:menu:002_prices", Some("module:menu")),
    ];
    assert_eq!(nodes(&menu, "source"), expected);
    let around = drawn(&app, &["--offline", "003_lower_emails"]).await;
    assert_eq!(around.matches("\n●  ").count(), 3, "{around}");
    assert!(!around.contains("menu"), "{around}");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_drawn() {
    let app = MyApp::anywhere();
    let ran = app.run(["graph", "--offline", "003_lower_email"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
    assert!(ran.stderr.contains("'003_lower_emails'?"), "{ran}");
    let ran = app.run(["graph", "--offline", "--source", "module:men", "--format", "json"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    let error: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(error["error"]["code"], "unknown-source", "{ran}");
}
