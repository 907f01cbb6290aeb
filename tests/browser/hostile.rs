//! Texts that somebody else has stored.

use mongodb::bson::{Document, doc};
use mongrate_tests::TestDb;
use mongrate_tests::http::REPAIR;
use mongrate_tests::stored::tell;
use serde_json::Value;

use crate::browser::Browser;
use crate::migrations::{FAILING, migrator};
use crate::served::Served;

/// Each would leave a trace if it ran.
const PAYLOADS: [&str; 8] = [
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "<svg onload='window.ran = 1'></svg>",
    "\"><iframe srcdoc='<script>parent.ran = 1</script>'></iframe>",
    "' onmouseover='window.ran = 1",
    "javascript:window.ran = 1",
    "<a href='javascript:window.ran = 1'>click</a>",
    "</title><style>body{display:none}</style><base href='https://evil.example/'>",
];

#[tokio::test]
async fn stored_texts_are_shown_as_text_and_never_run() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "failing").build().unwrap();
    migrator.up().await.unwrap_err();
    let (records, entries) = (db.collection::<Document>("migrations"), db.collection::<Document>("migrations_history"));
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, REPAIR).await;
    for payload in PAYLOADS {
        let hostile = doc! { "error": payload, "errorStack": [payload], "appliedBy": payload, "host": payload };
        assert_eq!(
            records.update_one(doc! { "_id": FAILING }, doc! { "$set": hostile }).await.unwrap().matched_count,
            1
        );
        let hostile = doc! { "error": payload, "by": payload, "because": payload, "host": payload };
        entries.update_many(doc! {}, doc! { "$set": hostile }).await.unwrap();
        let migration = format!("migration?id={}", FAILING.replace(':', "%3A"));
        for view in ["", "history", &migration, "run?id=1"] {
            browser.goto(view).await;
            assert!(
                browser.ask("return document.body.textContent", &[]).await.as_str().unwrap().contains(payload),
                "{view}"
            );
            assert_eq!(browser.ask("return window.ran ?? null", &[]).await, Value::Null, "{view}: {payload}");
            let foreign = "a[href^='javascript'], iframe, style, base, main script, [onload], [onerror], [onmouseover]";
            assert_eq!(browser.count(foreign).await, 0, "{view}: {payload}");
        }
    }
    browser.finish().await;
}

#[tokio::test]
async fn no_script_can_make_markup_from_text_and_live_still_works() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "failing").build().unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, REPAIR).await;
    browser.see("2 migrations are pending").await;
    let script = "try { document.body.innerHTML = 'x'; return 'done'; } catch (error) { return error.name; }";
    assert_eq!(browser.ask(script, &[]).await, "TypeError");
    let log = browser.log().await;
    assert!(log.iter().all(|line| line.message.contains("TrustedHTML")), "{log:?}");
    tell(&db, "fixed").await;
    migrator.up().await.unwrap();
    browser.see("Everything is applied").await;
    browser.finish().await;
}
