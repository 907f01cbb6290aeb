//! Behind a proxy, and on a bad connection.

use axum::Router;
use mongrate_admin::Admin;
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, OPERATE, PAGE, tokens};
use serde_json::json;

use crate::browser::Browser;
use crate::migrations::{ROLES, USERS, migrator};
use crate::served::Served;

#[tokio::test]
async fn every_link_works_under_any_prefix() {
    let db = TestDb::new().await;
    for prefix in ["", "/ops", "/a/b/c"] {
        let admin = Admin::new(&migrator(&db, "shop").build().unwrap(), tokens()).title("shop").build();
        let faces = Router::new().merge(admin.page_at(PAGE)).merge(admin.api_at(API));
        // Such a proxy removes its prefix from each request.
        let router = if prefix.is_empty() { faces } else { Router::new().nest_service(prefix, faces) };
        let served = Served::under(prefix, router).await;
        let browser = Browser::signed_in(&served, OPERATE).await;
        for (link, seen) in
            [("History", "newest first"), ("Lock", "The lock is free"), ("API", "curl"), ("Overview", USERS)]
        {
            browser.press(link).await;
            browser.see(seen).await;
        }
        browser.press(ROLES).await;
        browser.see("Depends on").await;
        browser.press_css("button[name=theme]").await;
        browser.see("Depends on").await;
        let url = browser.driver.current_url().await.unwrap().to_string();
        assert!(url.starts_with(&served.view("migration?id=")), "{url}");
        browser.press("Sign out").await;
        browser.see("Your name").await;
        browser.finish().await;
    }
}

#[tokio::test]
async fn seven_tabs_follow_and_no_request_waits_for_another() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    let mut tabs = vec![browser.driver.window().await.unwrap()];
    for _ in 1..7 {
        let tab = browser.driver.new_tab().await.unwrap();
        browser.driver.switch_to_window(tab.clone()).await.unwrap();
        browser.goto("").await;
        browser.see("3 migrations are pending").await;
        tabs.push(tab);
    }
    migrator.up().await.unwrap();
    for tab in tabs {
        browser.driver.switch_to_window(tab).await.unwrap();
        browser.see("Everything is applied").await;
    }
    browser.finish().await;
}

#[tokio::test]
async fn a_lost_stream_is_named_and_comes_back() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.see("3 migrations are pending").await;
    let offline =
        |is_offline| json!({ "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    browser.devtools("Network.emulateNetworkConditions", offline(true)).await;
    migrator.up().await.unwrap();
    browser.see("not live").await;
    let _ = browser.log().await;
    browser.devtools("Network.emulateNetworkConditions", offline(false)).await;
    browser.see("Everything is applied").await;
    let lost = browser.log().await;
    assert!(lost.iter().all(|line| line.message.contains("ERR_INTERNET_DISCONNECTED")), "{lost:?}");
    browser.finish().await;
}
