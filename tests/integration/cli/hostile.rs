//! Whatever is in the database, a terminal is sent nothing that it would obey.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate_tests::{MyApp, Ran, TestDb};

use super::knobs::{fail, mend};
use super::texts::orphan;

/// Clears the screen, rings, moves back, changes the title and the color, in the eight-bit form and in the other.
const EVIL: &str = "e\u{1b}[2Jv\u{7}i\u{8}l\r\u{1b}]0;title\u{7}\u{1b}[35m\u{9b}35m\u{7f}\u{202e}!";

/// The styles that the program itself has.
const OWN: [&str; 12] = ["0", "1", "2", "31", "32", "33", "34", "35", "36", "31;1", "33;1", "32;1"];

fn is_harmless(ran: &Ran, called: &str) {
    for text in [&ran.stdout, &ran.stderr] {
        let mut text = text.replace("\u{1b}[34;1m", "").replace("\u{1b}[35morphan", "orphan");
        for style in OWN.iter().filter(|style| **style != "35") {
            text = text.replace(&format!("\u{1b}[{style}m"), "");
        }
        let dangerous = |sign: char| sign.is_control() && sign != '\n' || sign == '\u{202e}';
        let found: String = text.chars().filter(|sign| dangerous(*sign)).collect();
        assert!(found.is_empty(), "{found:?} in the output of {called}\n{text:?}");
    }
}

/// A database in which everything that somebody else may write is hostile.
async fn poisoned(db: &Database) {
    let records = db.collection::<Document>("migrations");
    orphan(db, "001_create_users", &format!("000_{EVIL}")).await;
    let by_evil = doc! { "appliedBy": EVIL, "description": EVIL, "host": EVIL, "error": EVIL };
    records.update_many(doc! {}, doc! { "$set": by_evil }).await.unwrap();
    let history = db.collection::<Document>("migrations_history");
    let because_evil = doc! { "by": EVIL, "because": EVIL, "error": EVIL, "host": EVIL };
    history.update_many(doc! {}, doc! { "$set": because_evil }).await.unwrap();
    db.collection::<Document>("knobs").update_many(doc! {}, doc! { "$set": { "why": EVIL } }).await.unwrap();
}

/// In colors, without, with all that is logged, and for a program.
async fn each_way(app: &MyApp, words: &str) -> Vec<Ran> {
    let mut all = Vec::new();
    for how in ["--color always", "--color never", "--color always -vvv", "--format json"] {
        let words = format!("{words} {how}");
        let ran = app.run(words.split(' ')).await;
        is_harmless(&ran, &words);
        all.push(ran);
    }
    all
}

#[tokio::test]
async fn neither_by_a_record_nor_by_an_error_that_quotes_a_document() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    fail(&db, "module:menu:002_prices").await;
    db.collection::<Document>("knobs").update_many(doc! {}, doc! { "$set": { "why": EVIL } }).await.unwrap();
    for words in ["up --dry-run", "up", "deploy"] {
        for ran in each_way(&app, words).await {
            assert_eq!(ran.code, 1, "{ran}");
            assert!(format!("{}{}", ran.stdout, ran.stderr).contains("[2Jv"), "{ran}");
        }
    }
    poisoned(&db).await;
    for words in
        ["status", "validate", "history", "show 001_create_users", "plan", "pending", "graph", "version", "deploy"]
    {
        each_way(&app, words).await;
    }
    let status = app.run(["status", "--color", "never"]).await;
    assert!(status.stdout.contains("e\\u{1b}[2Jv\\u{7}i"), "{status}");
    let status = app.run(["status", "--format", "json"]).await;
    let document: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert!(document.to_string().contains("title"), "{status}");

    mend(&db, "module:menu:002_prices").await;
    for words in ["up", "deploy", "down --yes", "mark pending module:menu:002_prices --yes"] {
        each_way(&app, words).await;
    }
    let orphan = format!("000_{EVIL}");
    let shown = app.run(["show", &orphan, "--color", "always"]).await;
    is_harmless(&shown, "show");
    let pruned = app.run(["prune", &orphan, "--yes", "--color", "always"]).await;
    is_harmless(&pruned, "prune");
}
