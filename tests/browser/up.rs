//! Running migrations from the page.

use mongodb::bson::doc;
use mongrate_tests::TestDb;
use mongrate_tests::http::OPERATE;
use mongrate_tests::stored::{count, steps, tell};

use crate::browser::Browser;
use crate::migrations::{ROLES, begun, migrator};
use crate::served::Served;

#[tokio::test]
async fn a_plan_is_shown_and_run_and_its_end_is_seen_without_a_reload() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "slow").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.press("Plan and run all…").await;
    browser.see("Run 3 migrations on").await;
    assert_eq!(browser.count("dialog[open]").await, 1);
    browser.check().await;
    browser.fill("because", "OPS-17").await;
    browser.press("Run these 3").await;
    begun(&db).await;
    browser.see("1 of 3 done").await;
    assert_eq!(browser.address().await, "run?id=1");
    // A page that is loaded again would have lost this.
    browser.ask("window.isSame = true", &[]).await;
    tell(&db, "go").await;
    browser.see("3 of 3 done").await;
    browser.see("Ended").await;
    assert_eq!(browser.ask("return window.isSame", &[]).await, true);
    assert_eq!(steps(&db).await, ["imported", "counted", "archived"]);
    browser.finish().await;
}

#[tokio::test]
async fn one_migration_runs_with_its_dependencies() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.press_css(&format!("[aria-label='Run {ROLES}…']")).await;
    browser.see("Run 2 migrations on").await;
    browser.see("1 more pending migration").await;
    browser.press("Run these 2").await;
    browser.see("2 of 2 done").await;
    assert_eq!(steps(&db).await, ["users", "roles"]);
    browser.finish().await;
}

#[tokio::test]
async fn a_run_goes_on_after_its_tab_is_closed() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "slow").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    let first = browser.driver.window().await.unwrap();
    let second = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(second).await.unwrap();
    browser.goto("plan").await;
    browser.fill("because", "OPS-17").await;
    browser.press("Run these 3").await;
    begun(&db).await;
    browser.driver.close_window().await.unwrap();
    browser.driver.switch_to_window(first).await.unwrap();
    browser.see("Migrations are running").await;
    tell(&db, "go").await;
    browser.see("Everything is applied").await;
    let entry = doc! { "act": "up", "because": "OPS-17", "by": "operator" };
    assert_eq!(count(&db, "migrations_history", entry).await, 3);
    browser.finish().await;
}

#[tokio::test]
async fn without_a_script_one_signs_in_runs_and_refreshes() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "slow").build().unwrap()).await;
    let browser = Browser::open(&served).await;
    browser.devtools("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": true })).await;
    browser.goto("").await;
    browser.sign_in(OPERATE).await;
    browser.press("Plan and run all…").await;
    browser.see("Run 3 migrations on").await;
    browser.press("Run these 3").await;
    begun(&db).await;
    browser.see("may close this tab").await;
    assert_eq!(browser.count("dialog").await, 0);
    tell(&db, "go").await;
    mongrate_tests::eventually("the run to end after a refresh", async || {
        browser.press("Refresh").await;
        browser.shows("3 of 3 done").await.then_some(())
    })
    .await;
    assert_eq!(steps(&db).await, ["imported", "counted", "archived"]);
    browser.devtools("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": false })).await;
    browser.finish().await;
}
