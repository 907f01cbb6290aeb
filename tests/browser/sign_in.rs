//! Signing in and out.

use mongrate_admin::Admin;
use mongrate_tests::TestDb;
use mongrate_tests::http::{OPERATE, READ, REPAIR, tokens};

use crate::browser::Browser;
use crate::migrations::migrator;
use crate::served::Served;

#[tokio::test]
async fn a_wrong_token_is_refused_and_after_signing_out_back_shows_nothing() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").build().unwrap()).await;
    let browser = Browser::open(&served).await;
    browser.see("Your name").await;
    browser.check().await;

    browser.sign_in("not-a-token-of-at-least-32-characters").await;
    browser.see("This is not one of the application's tokens").await;
    browser.refused(401).await;
    browser.fill("name", "Ana").await;
    browser.sign_in(REPAIR).await;
    browser.see("3 migrations are pending").await;
    browser.see("Ana (as told, token \"repairer\")").await;
    // No script can read the sign-in.
    assert_eq!(browser.ask("return document.cookie", &[]).await, "");

    browser.press("History").await;
    browser.see("Nothing has happened yet").await;
    browser.press("Sign out").await;
    browser.see("Your name").await;
    browser.driver.back().await.unwrap();
    browser.see("Your name").await;
    assert!(!browser.shows("Nothing has happened yet").await);
    browser.finish().await;
}

#[tokio::test]
async fn who_signs_in_gets_to_the_view_that_was_asked_for() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").build().unwrap()).await;
    let browser = Browser::open(&served).await;
    browser.goto("history?act=up").await;
    browser.sign_in(OPERATE).await;
    browser.see("No entry matches").await;
    assert_eq!(browser.address().await, "history?act=up");
    browser.finish().await;
}

#[tokio::test]
async fn a_reader_is_shown_no_button_and_a_form_by_hand_is_refused() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").build().unwrap()).await;
    let browser = Browser::signed_in(&served, READ).await;
    browser.see("3 migrations are pending").await;
    for act in ["Run…", "Plan and run all…"] {
        assert!(!browser.shows(act).await, "{act}");
    }
    browser.press("Show the plan").await;
    browser.see("This needs the level operate; yours is read.").await;
    let post = "const done = arguments[0]; fetch('up', { method: 'POST', body: new URLSearchParams() }).then(({ status }) => done(status))";
    assert_eq!(browser.driver.execute_async(post, Vec::new()).await.unwrap().json(), 403);
    browser.refused(403).await;
    assert!(mongrate_tests::stored::collections(&db).await.is_empty());
    browser.finish().await;
}

#[tokio::test]
async fn a_read_only_process_says_so_and_offers_nothing_to_anybody() {
    let db = TestDb::new().await;
    let admin = Admin::new(&migrator(&db, "shop").build().unwrap(), tokens()).title("shop").read_only(true);
    let served = Served::of(&admin.build()).await;
    let browser = Browser::signed_in(&served, REPAIR).await;
    browser.see("Read-only.").await;
    assert!(!browser.shows("Run…").await && !browser.shows("Plan and run all…").await);
    browser.goto("lock").await;
    browser.see("The lock is free").await;
    browser.goto("plan").await;
    browser.see("This process is read-only.").await;
    assert_eq!(browser.count("main form[method=post]").await, 0);
    browser.finish().await;
}
