//! Colors.

use mongrate_tests::TestDb;
use mongrate_tests::http::OPERATE;
use serde_json::json;

use crate::browser::Browser;
use crate::migrations::migrator;
use crate::served::Served;

const BACKGROUND: &str = "return getComputedStyle(document.body).backgroundColor";

#[tokio::test]
async fn the_theme_follows_the_system_until_it_is_chosen_and_is_kept() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.prefer("light").await;
    let light = browser.ask(BACKGROUND, &[]).await;
    browser.prefer("dark").await;
    let dark = browser.ask(BACKGROUND, &[]).await;
    assert_ne!(light, dark);

    browser.press_css("button[name=theme][value=light]").await;
    browser.wait_for("the light theme", "return document.documentElement.dataset.theme === 'light'").await;
    assert_eq!(browser.ask(BACKGROUND, &[]).await, light);
    browser.press_css("button[name=theme][value=dark]").await;
    browser.wait_for("the dark theme", "return document.documentElement.dataset.theme === 'dark'").await;
    browser.prefer("light").await;
    browser.goto("history").await;
    assert_eq!(browser.ask(BACKGROUND, &[]).await, dark);
    browser.finish().await;
}

#[tokio::test]
async fn forced_colors_leave_badges_with_words() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    let forced = json!({ "features": [{ "name": "forced-colors", "value": "active" }] });
    browser.devtools("Emulation.setEmulatedMedia", forced).await;
    assert_eq!(browser.ask("return matchMedia('(forced-colors: active)').matches", &[]).await, true);
    let words = "return [...document.querySelectorAll('.badge')].every((badge) => badge.innerText.trim() !== '')";
    assert_eq!(browser.ask(words, &[]).await, true);
    assert!(browser.count(".badge").await > 3);
    browser.finish().await;
}
