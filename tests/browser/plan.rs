//! Plans, dry runs, and what a person has to confirm.

use mongodb::bson::{Document, doc};
use mongrate_tests::TestDb;
use mongrate_tests::http::{OPERATE, REPAIR};
use mongrate_tests::stored::{count, fingerprint, record, steps};

use crate::browser::Browser;
use crate::migrations::{EMAILS, ROLES, USERS, migrator};
use crate::served::Served;

#[tokio::test]
async fn a_dry_run_quotes_samples_and_changes_nothing() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    migrator.up().only(ROLES).await.unwrap();
    let before = fingerprint(&db).await;
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.goto("plan").await;
    browser.press("Dry run").await;
    browser.see("It was made on the database as it was then.").await;
    browser.see("ana@example.com").await;
    assert_eq!(fingerprint(&db).await, before);
    browser.finish().await;
}

#[tokio::test]
async fn a_plan_that_has_changed_is_refused_and_shown_again() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.press("Plan and run all…").await;
    browser.see("Run 3 migrations on").await;
    migrator.up().only(USERS).await.unwrap();
    browser.press("Run these 3").await;
    browser.see("The plan has changed").await;
    browser.refused(412).await;
    browser.press("Look at the plan again").await;
    browser.see("Run 2 migrations on").await;
    assert_eq!(steps(&db).await, ["users"]);
    browser.finish().await;
}

#[tokio::test]
async fn in_production_the_name_of_the_database_is_typed() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").environment("production").build().unwrap()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.press("Plan and run all…").await;
    browser.see("to go on").await;
    browser.check().await;
    // The browser asks for the field itself.
    browser.press("Run these 3").await;
    assert_eq!(browser.count("dialog[open] input:invalid").await, 1);
    browser.fill("confirm", "shop").await;
    browser.press("Run these 3").await;
    browser.see("type the name of the database").await;
    browser.refused(422).await;
    assert!(steps(&db).await.is_empty());
    browser.goto("plan").await;
    browser.fill("confirm", db.name()).await;
    browser.press("Run these 3").await;
    browser.see("3 of 3 done").await;
    browser.finish().await;
}

#[tokio::test]
async fn a_revert_needs_a_reason_and_an_irreversible_migration_is_refused_in_words() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    migrator.up().only(ROLES).await.unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, REPAIR).await;
    browser.goto("plan?verb=down&batch=true").await;
    browser.see("Revert 2 migrations on").await;
    browser.press("Revert these 2").await;
    assert_eq!(browser.count("input[name=because]:invalid").await, 1);
    browser.fill("because", "wrong roles").await;
    browser.press("Revert these 2").await;
    browser.see("2 of 2 done").await;
    assert_eq!(steps(&db).await, ["users", "roles", "no roles", "no users"]);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "down", "because": "wrong roles" }).await, 2);

    migrator.up().await.unwrap();
    browser.goto(&format!("plan?verb=down&only={}", EMAILS.replace(':', "%3A"))).await;
    browser.see("cannot be reverted").await;
    browser.refused(409).await;
    browser.finish().await;
}

const NEWER: &str = "module:shop:004_from_a_newer_version";

#[tokio::test]
async fn records_of_unknown_migrations_are_a_banner_and_have_to_be_acknowledged() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    migrator.up().only(ROLES).await.unwrap();
    let mut newer = record(&db, ROLES).await.unwrap();
    newer.insert("_id", NEWER);
    db.collection::<Document>("migrations").insert_one(newer).await.unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.see("This process is older than the database.").await;
    browser.press_css("#orphans > summary").await;
    browser.see(NEWER).await;
    browser.check().await;
    browser.goto("plan").await;
    browser.press("Run this one").await;
    assert_eq!(browser.count("input[name=acknowledgeOrphans]:invalid").await, 1);
    browser.press_css("input[name=acknowledgeOrphans]").await;
    browser.press("Run this one").await;
    browser.see("1 of 1 done").await;
    browser.finish().await;
}

#[tokio::test]
async fn changed_code_is_shown_with_both_checksums_and_accepted() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    migrator.up().await.unwrap();
    let before = format!("t2:{}", "77ab".repeat(16));
    let change = doc! { "$set": { "checksum": &before } };
    let records = db.collection::<Document>("migrations");
    assert_eq!(records.update_one(doc! { "_id": ROLES }, change).await.unwrap().modified_count, 1);
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, REPAIR).await;
    browser.press_css("#counts a[href='./?drifted=true']").await;
    browser.see("1 found").await;
    browser.press(ROLES).await;
    browser.see("Its code has changed").await;
    let now = migrator.registry().get(ROLES).unwrap().checksum().to_owned();
    assert!(browser.shows("77ab").await && browser.shows(&now[..8]).await);
    browser.press_css("#accept > summary").await;
    browser.check().await;
    browser.fill("because", "a comment only").await;
    browser.press("Accept the code").await;
    browser.wait_for("the change to be gone", "return !document.body.innerText.includes('Its code has changed')").await;
    assert_eq!(record(&db, ROLES).await.unwrap().get_str("checksum").unwrap(), now);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "accept", "because": "a comment only" }).await, 1);
    browser.finish().await;
}
