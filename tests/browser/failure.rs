//! Runs that fail.

use mongodb::bson::doc;
use mongrate_tests::TestDb;
use mongrate_tests::http::OPERATE;
use mongrate_tests::stored::{count, steps, tell};

use crate::browser::Browser;
use crate::migrations::{FAILING, migrator};
use crate::served::Served;

#[tokio::test]
async fn an_error_is_opened_survives_a_refresh_and_is_gone_after_the_next_run() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "failing").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.press("Plan and run all…").await;
    browser.press("Run these 2").await;
    browser.see("two users share an email address").await;
    browser.see("1 of 2 done").await;
    browser.check().await;

    browser.press("Overview").await;
    browser.see("1 migration has failed").await;
    assert!(browser.driver.title().await.unwrap().starts_with("1 failed"));
    let cause = "ana@example.com belongs to 4711 and 4712";
    assert!(!browser.text("#list").await.contains(cause));
    browser.press_css("#list details.error > summary").await;
    browser.see(cause).await;
    browser.check().await;
    browser.driver.refresh().await.unwrap();
    browser.see("1 migration has failed").await;

    // What is opened stays open while the page changes below it.
    browser.press_css("#list details.error > summary").await;
    browser.see(cause).await;
    tell(&db, "fixed").await;
    migrator(&db, "failing").build().unwrap().up().await.unwrap();
    browser.see("Everything is applied").await;
    assert_eq!(steps(&db).await, ["collected", "unique"]);
    assert_eq!(count(&db, "migrations_history", doc! { "migrationId": FAILING, "status": "failed" }).await, 1);
    browser.finish().await;
}
