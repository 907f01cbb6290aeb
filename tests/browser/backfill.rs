//! A backfill that is followed, paused and resumed from the page, and tuned by another process.

use std::num::NonZeroU32;
use std::time::Duration;

use mongodb::bson::doc;
use mongrate::context::Pace;
use mongrate_tests::crash::backfill::{ID, MANY, assert_once, fill, migrator};
use mongrate_tests::http::{OPERATE, REPAIR};
use mongrate_tests::stored::{count, status};
use mongrate_tests::{TestDb, eventually};

use crate::browser::Browser;
use crate::served::Served;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_is_followed_paused_tuned_and_resumed() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    // Another process works, as fast as a person lets it.
    let other = migrator((*db).clone(), Duration::from_secs(10));
    other.up().background(true).await.unwrap();
    let rate = |rate| Pace::Rate(NonZeroU32::new(rate).unwrap());
    other.steer(ID).pace(rate(1_000)).await.unwrap();
    let served = Served::new(&migrator((*db).clone(), Duration::from_secs(10))).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.goto("migration?id=module%3Abackfill%3A001_numbers").await;
    browser.see("0.0 %").await;
    browser.see("Nobody is working on it.").await;
    browser.check().await;
    browser.ask("window.isSame = true", &[]).await;

    let work = tokio::spawn(other.up().into_future());
    browser.wait_for("the bar to move", "return document.querySelector('#progress progress').value > 1").await;
    browser.see("Worked on by").await;
    browser.see("documents per second").await;
    browser.wait_for("a range to be worked on", "return document.querySelector('.strip .claimed') !== null").await;
    assert_eq!(browser.ask("return window.isSame", &[]).await, true);
    browser.press_css("#pause > summary").await;
    browser.fill("because", "sale until noon").await;
    browser.press("Pause").await;
    browser.see("sale until noon").await;
    let report = work.await.unwrap().unwrap();
    println!("{report}");
    let changed = count(&db, "orders", doc! { "n": 1 }).await;
    assert!(report.underway() == [ID] && changed > 0 && changed < MANY.unsigned_abs(), "{changed}: {report}");
    browser.see("Paused just now by operator").await;
    browser.check().await;

    other.steer(ID).pace(Pace::Full).by("ana").await.unwrap();
    browser.see("pace full").await;
    assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, changed);
    browser.press_css("#pause > summary").await;
    browser.press("Resume").await;
    eventually("the backfill to be resumed", async || {
        other.backfills().await.unwrap()[0].paused.is_none().then_some(())
    })
    .await;
    other.up().await.unwrap();
    browser.see("Completed").await;
    assert_eq!(browser.count("#progress progress").await, 0);
    assert_once(&db, MANY, "steered from the page").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_that_is_underway_is_reverted() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let migrator = migrator((*db).clone(), Duration::from_secs(10));
    migrator.up().background(true).await.unwrap();
    migrator.steer(ID).pace(Pace::Rate(NonZeroU32::new(1_000).unwrap())).await.unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, REPAIR).await;
    browser.goto("migration?id=module%3Abackfill%3A001_numbers").await;
    let work = tokio::spawn(migrator.up().into_future());
    browser.wait_for("the bar to move", "return document.querySelector('#progress progress').value > 1").await;
    browser.press("Revert…").await;
    browser.fill("because", "wrong totals").await;
    browser.press("Revert this one").await;
    browser.see("1 of 1 done").await;
    println!("{}", work.await.unwrap().unwrap());
    assert_eq!(status(&db, ID).await, "rolled-back");
    let both = count(&db, "orders", doc! { "n": 1, "m": 1 }).await;
    let neither = count(&db, "orders", doc! { "n": null, "m": null }).await;
    assert!(both > 0 && neither > 0 && both + neither == MANY.unsigned_abs(), "{both}, {neither}");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_is_canceled_and_restarted() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let other = migrator((*db).clone(), Duration::from_secs(10));
    other.up().background(true).await.unwrap();
    let served = Served::new(&migrator((*db).clone(), Duration::from_secs(10))).await;
    let browser = Browser::signed_in(&served, REPAIR).await;
    browser.goto("migration?id=module%3Abackfill%3A001_numbers").await;
    browser.press_css("#cancel > summary").await;
    browser.fill("because", "wrong totals").await;
    browser.check().await;
    browser.press("Cancel the backfill").await;
    browser.see("Canceled").await;
    browser.see("wrong totals").await;
    browser.check().await;
    assert!(other.up().plan().await.unwrap().is_empty());
    browser.goto("").await;
    browser.see("1 canceled").await;
    browser.check().await;

    browser.goto("migration?id=module%3Abackfill%3A001_numbers").await;
    browser.press_css("#restart > summary").await;
    browser.fill("because", "corrected").await;
    browser.press("Restart the backfill").await;
    browser.see("corrected").await;
    other.up().await.unwrap();
    assert_once(&db, MANY, "restarted").await;
    browser.finish().await;
}
