//! Without a mouse.

use mongrate_tests::TestDb;
use mongrate_tests::http::OPERATE;
use mongrate_tests::stored::steps;
use serde_json::Value;
use thirtyfour::prelude::Key;

use crate::browser::Browser;
use crate::migrations::{ROLES, migrator};
use crate::served::Served;

/// Moves the focus forward until it is on an element with this name.
async fn tab_to(browser: &Browser, name: &str) {
    for _ in 0..60 {
        browser.type_keys(Key::Tab).await;
        if focus(browser).await == name {
            return;
        }
    }
    panic!("the key Tab does not lead to '{name}', but to '{}'", focus(browser).await);
}

/// The name of the element with the focus.
async fn focus(browser: &Browser) -> String {
    let script = "const at = document.activeElement; \
        return at.getAttribute('aria-label') || at.name || at.textContent.trim()";
    browser.ask(script, &[]).await.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_migration_is_run_by_keys_alone_and_the_focus_returns_from_a_dialog() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    let act = format!("Run {ROLES}…");
    browser.see(ROLES).await;
    tab_to(&browser, "Skip to content").await;
    browser.type_keys(Key::Enter).await;
    tab_to(&browser, &act).await;
    browser.type_keys(Key::Enter).await;
    browser.see("Run 2 migrations on").await;
    // The focus stays inside of the dialog, and returns from it.
    tab_to(&browser, "because").await;
    browser.type_keys(Key::Escape).await;
    browser.wait_for("the dialog to close", "return !document.querySelector('dialog')").await;
    assert_eq!(focus(&browser).await, act);

    browser.type_keys(Key::Enter).await;
    browser.see("Run 2 migrations on").await;
    tab_to(&browser, "Run these 2").await;
    browser.type_keys(Key::Enter).await;
    browser.see("2 of 2 done").await;
    assert_eq!(steps(&db).await, ["users", "roles"]);
    browser.finish().await;
}

#[tokio::test]
async fn keys_search_and_help_and_can_be_switched_off() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.see(ROLES).await;
    browser.type_keys('/').await;
    browser.wait_for("the search", "return document.activeElement.id === 'find'").await;
    browser.ask("document.activeElement.blur()", &[]).await;
    browser.type_keys('?').await;
    browser.see("Use the keys / and ?").await;
    browser.check().await;
    browser.press_css("dialog input[type=checkbox]").await;
    browser.type_keys(Key::Escape).await;
    browser.wait_for("the help to close", "return !document.querySelector('dialog')").await;
    browser.ask("document.activeElement.blur()", &[]).await;
    browser.type_keys('/').await;
    assert_eq!(browser.ask("return document.activeElement.id", &[]).await, Value::from(""));
    browser.finish().await;
}
