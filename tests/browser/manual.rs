//! A migration that runs only by hand.

use mongodb::bson::doc;
use mongrate_tests::TestDb;
use mongrate_tests::http::OPERATE;
use mongrate_tests::stored::{count, steps};

use crate::browser::Browser;
use crate::migrations::{CARTS, migrator};
use crate::served::Served;

#[tokio::test]
async fn a_manual_migration_is_executed_by_hand_and_then_lets_its_dependent_run() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "carts").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.press("Plan and run all…").await;
    browser.see("Everything that is pending waits for a migration that runs only when it is named.").await;
    browser.check().await;
    browser.press(&format!("Run {CARTS}…")).await;
    browser.see("Run 1 migration on").await;
    browser.fill("because", "the shop is closed").await;
    browser.press("Run this one").await;
    browser.see("1 of 1 done").await;
    assert_eq!(steps(&db).await, ["deleted"]);
    let by_hand = doc! { "migrationId": CARTS, "status": "completed", "because": "the shop is closed" };
    assert_eq!(count(&db, "migrations_history", by_hand).await, 1);

    browser.press("Overview").await;
    browser.see("1 migration is pending").await;
    browser.press("Plan and run all…").await;
    browser.press("Run this one").await;
    browser.see("1 of 1 done").await;
    assert_eq!(steps(&db).await, ["deleted", "currency"]);
    browser.finish().await;
}
