//! What the overview shows.

use mongodb::bson::doc;
use mongrate_tests::TestDb;
use mongrate_tests::http::{OPERATE, REPAIR};
use mongrate_tests::stored::fingerprint;

use crate::browser::Browser;
use crate::migrations::{EMAILS, ROLES, USERS, migrator};
use crate::served::Served;

#[tokio::test]
async fn the_counts_are_those_of_the_status() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    migrator.up().only(ROLES).await.unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.see("1 migration is pending").await;
    let status = migrator.status().await.unwrap();
    for (state, count) in
        [("pending", status.pending().count()), ("completed", status.completed().count()), ("failed", 0)]
    {
        let shown = browser.text(&format!("#counts a[href='./?state={state}']")).await;
        assert_eq!(shown, count.to_string(), "{state}");
    }
    assert!(browser.driver.title().await.unwrap().starts_with("1 pending"));
    // Completed migrations are folded.
    assert!(browser.shows(EMAILS).await && !browser.shows("Every user has a role.").await);
    browser.press("2 completed").await;
    browser.see("Every user has a role.").await;
    browser.finish().await;
}

#[tokio::test]
async fn filters_are_in_the_address_and_search_hides_rows_while_typing() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    migrator.up().only(USERS).await.unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, REPAIR).await;
    let before = fingerprint(&db).await;
    browser.see(EMAILS).await;
    browser.fill("q", "every USER").await;
    browser.see(ROLES).await;
    assert!(!browser.text("#list").await.contains(EMAILS));

    browser.goto("./?q=lower&state=pending").await;
    browser.see("1 found").await;
    assert!(browser.text("#list").await.contains(EMAILS));
    browser.goto("./?isolated=true").await;
    browser.see("No migration matches").await;
    browser.press("Clear the filters").await;
    browser.see("2 pending").await;
    assert_eq!(fingerprint(&db).await, before);
    assert_eq!(mongrate_tests::stored::count(&db, "migrations_history", doc! { "act": "up" }).await, 1);
    browser.finish().await;
}
