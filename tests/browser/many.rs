//! Many migrations, many entries, many databases.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use mongrate::__private::{Down, Registration};
use mongrate::migrator::DatabaseFilter;
use mongrate::{Kind, Migration, Migrator, Registry};
use mongrate_admin::Admin;
use mongrate_tests::http::{OPERATE, READ, tokens};
use mongrate_tests::stored::count;
use mongrate_tests::{TestDb, eventually};

use crate::browser::Browser;
use crate::migrations::{EMAILS, migrator};
use crate::served::Served;

/// In milliseconds.
const PAINT: f64 = 1_000.0;
const SEARCH: f64 = 100.0;

/// How often is measured: other programs use the machine, too.
const ATTEMPTS: usize = 3;

/// A migration that does nothing, in place of the macro's static.
fn leak(number: usize) -> Migration {
    Migration::new(Box::leak(Box::new(Registration {
        id: format!("{number:04}_step_{number}").leak(),
        checksum: "t2:1",
        up: &Down { kind: Kind::Tx, body: |_| Box::pin(async { Ok(()) }) },
        ..Registration::DEFAULT
    })))
}

#[tokio::test]
async fn a_thousand_migrations_are_painted_and_searched_within_the_budgets() {
    let db = TestDb::new().await;
    let registry: Registry = (0..1000).map(leak).collect();
    let served = Served::new(&Migrator::builder(db.database().clone()).registry(registry).build().unwrap()).await;
    let browser = Browser::alone(&served).await;
    browser.sign_in(READ).await;
    browser.see("Sign out").await;
    let mut best = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ATTEMPTS {
        let (paint, search) = paint_and_search(&browser).await;
        println!("first paint after {paint:.0} ms, search in {search:.0} ms");
        best = (best.0.min(paint), best.1.min(search));
        if best.0 < PAINT && best.1 < SEARCH {
            break;
        }
    }
    assert!(best.0 < PAINT && best.1 < SEARCH, "paint {:.0} ms, search {:.0} ms", best.0, best.1);
    browser.goto("./?q=step_77").await;
    browser.finish().await;
}

/// The times until the overview is painted, and until a search has hidden rows, in milliseconds.
async fn paint_and_search(browser: &Browser) -> (f64, f64) {
    browser.goto("").await;
    assert_eq!(browser.count(".rows > li").await, 1000);
    let paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
    let paint = eventually("the first paint", async || browser.ask(paint, &[]).await.as_f64()).await;
    let search = "const find = document.getElementById('find'), began = performance.now();
        find.value = 'step_77'; find.dispatchEvent(new Event('input')); document.body.offsetHeight;
        return performance.now() - began;";
    let search = browser.ask(search, &[]).await.as_f64().unwrap();
    let shown = "return [...document.querySelectorAll('.rows > li')].filter((row) => !row.hidden).length";
    assert_eq!(browser.ask(shown, &[]).await, 11);
    (paint, search)
}

#[tokio::test]
async fn older_entries_are_loaded_while_new_ones_come() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "shop").build().unwrap();
    migrator.up().await.unwrap();
    let entries = db.collection::<Document>("migrations_history");
    let mut entry = entries.find_one(doc! { "act": "up" }).await.unwrap().unwrap();
    let old = (0..250).map(|number: i64| {
        entry.insert("_id", mongodb::bson::oid::ObjectId::new());
        entry.insert("executedAt", mongodb::bson::DateTime::from_millis(1_700_000_000_000 + number));
        entry.insert("because", format!("entry {number}."));
        entry.clone()
    });
    entries.insert_many(old.collect::<Vec<_>>()).await.unwrap();
    let served = Served::new(&migrator).await;
    let browser = Browser::signed_in(&served, READ).await;
    browser.goto("history").await;
    let mut seen = Vec::new();
    loop {
        let rows = "return [...document.querySelectorAll('#entries q')].map((reason) => reason.textContent)";
        seen.extend(
            browser.ask(rows, &[]).await.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()),
        );
        // New entries do not shift the pages.
        migrator.mark_pending([EMAILS]).because("a test").await.unwrap();
        migrator.mark_applied([EMAILS]).because("a test").await.unwrap();
        if !browser.shows("Load older").await {
            break;
        }
        let before = browser.address().await;
        browser.press("Load older").await;
        eventually("the next page", async || (browser.address().await != before).then_some(())).await;
    }
    seen.retain(|text| text.starts_with("entry "));
    let all: Vec<_> = (0..250).rev().map(|number| format!("entry {number}.")).collect();
    assert_eq!(seen, all);
    browser.finish().await;
}

#[tokio::test]
async fn of_two_hundred_databases_the_failed_one_comes_first() {
    let db = TestDb::new().await;
    let tenants: Vec<_> = (0..200).map(|number| db.tenant(&format!("{number:03}"))).collect();
    for eight in tenants.chunks(8) {
        join_all(eight.iter().map(async |tenant| {
            let migrator = migrator(tenant, "failing").build().unwrap();
            if tenant.name().ends_with("_077") {
                migrator.up().await.unwrap_err();
            } else {
                migrator.mark_applied(["module:failing:001_collect_emails"]).because("a test").await.unwrap();
            }
        }))
        .await;
    }
    let filter = DatabaseFilter::prefix(db.tenants());
    let admin = Admin::new(&migrator(&db, "failing").build().unwrap(), tokens()).title("shop");
    let admin = admin
        .tenants(db.client().clone(), filter, |builder| builder.registry(Registry::linked().source("module:failing")));
    let served = Served::of(&admin.build()).await;
    let browser = Browser::signed_in(&served, OPERATE).await;
    browser.press("Tenants").await;
    browser.see("200 databases").await;
    let began = Instant::now();
    browser.goto("tenants?failed=true").await;
    browser.see("_077").await;
    assert_eq!(browser.count("#tenants tbody tr").await, 1);
    println!("failed ones of 200 databases in {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(20));
    browser.check().await;
    let failed = &tenants[77];
    failed.collection::<Document>("told").insert_one(doc! { "_id": "fixed" }).await.unwrap();
    browser.press("Run…").await;
    browser.see(failed.name()).await;
    browser.press("Run this one").await;
    browser.see("1 of 1 done").await;
    assert_eq!(count(failed, "migrations", doc! { "status": "completed" }).await, 2);
    browser.finish().await;
}
