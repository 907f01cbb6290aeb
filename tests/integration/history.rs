//! Reading the history.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{DateTime, Document, doc};
use mongrate::history::{Act, Cursor};
use mongrate::migrator::HistoryPage;
use mongrate::record::RecordStatus;
use mongrate::{Error, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, fingerprint, migrator, step, tell, told, untell};

const FIRST: &str = "module:history:001_first";
const SECOND: &str = "module:history:002_second";

#[migration(id = "001_first", source = "module:history", down = first_down)]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "first").await?;
    anyhow::ensure!(!told(tx, "fail").await?, "told to");
    Ok(())
}

async fn first_down(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first down").await?)
}

#[migration(id = "002_second", source = "module:history", deps = ["module:history:001_first"])]
async fn second(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "second").await?)
}

#[tokio::test]
async fn i4_the_history_is_newest_first() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:history").environment("production").codebase_version("1.2.3").build().unwrap();
    let page = migrator.history().await.unwrap();
    assert_eq!((page.entries.len(), page.total), (0, 0));
    assert_eq!(page.to_string(), "0 of 0 entries.");
    assert!(migrator.statistics().await.unwrap().is_empty());
    assert!(collections(&db).await.is_empty());

    tell(&db, "fail").await;
    migrator.up().by("boot").await.unwrap_err();
    untell(&db, "fail").await;
    migrator.up().by("ana").await.unwrap();
    migrator.mark_pending([SECOND]).by("ben").because("it was lost").await.unwrap();
    migrator.down().by("ben").await.unwrap();

    let before = fingerprint(&db).await;
    let _ = db.commands().take();
    let page = migrator.history().await.unwrap();
    assert_eq!(db.commands().take(), ["find", "aggregate"]);
    println!("{page}");
    let acts: Vec<_> =
        page.entries.iter().map(|entry| (entry.act, entry.status.unwrap(), entry.by.as_deref().unwrap())).collect();
    let expected = [
        (Act::Down, RecordStatus::RolledBack, "ben"),
        (Act::MarkPending, RecordStatus::RolledBack, "ben"),
        (Act::Up, RecordStatus::Completed, "ana"),
        (Act::Up, RecordStatus::Completed, "ana"),
        (Act::Up, RecordStatus::Failed, "boot"),
    ];
    assert_eq!(acts, expected);
    assert_eq!(page.total, 5);
    let failed = &page.entries[4];
    assert_eq!((failed.migration_id.as_deref(), failed.error.as_deref()), (Some(FIRST), Some("told to")));
    assert_eq!(
        (failed.environment.as_deref(), failed.codebase_version.as_deref()),
        (Some("production"), Some("1.2.3"))
    );
    assert_eq!(page.entries[1].because.as_deref(), Some("it was lost"));
    // Tokens only rise (I2).
    assert!(page.entries.is_sorted_by(|newer, older| newer.token >= older.token));

    assert_eq!(migrator.history().status(RecordStatus::Failed).await.unwrap().entries, std::slice::from_ref(failed));
    assert_eq!(migrator.history().migration(SECOND).await.unwrap().total, 2);
    assert_eq!(migrator.history().source("module:history").await.unwrap().total, 5);
    assert_eq!(migrator.history().source("system").await.unwrap().total, 0);
    assert_eq!(migrator.history().status(RecordStatus::Failed).migration(SECOND).await.unwrap().total, 0);
    let middle = migrator.history().skip(1).limit(2).await.unwrap();
    assert_eq!((middle.entries.as_slice(), middle.total), (&page.entries[1..3], 5));
    assert!(migrator.history().skip(5).await.unwrap().entries.is_empty());

    let statistics = migrator.statistics().await.unwrap();
    let numbers: Vec<_> = statistics.iter().map(|of| (of.id.as_str(), of.count, of.failures)).collect();
    assert_eq!(numbers, [(FIRST, 2, 1), (SECOND, 1, 0)]);
    assert!(statistics.iter().all(|of| of.slowest() >= of.mean()));
    assert_eq!(fingerprint(&db).await, before);
}

#[tokio::test]
async fn statistics_summarize_the_executions() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:history").build().unwrap();
    migrator.up().await.unwrap();
    let history = db.collection::<Document>("migrations_history");
    let template = history.find_one_and_delete(doc! { "migrationId": FIRST }).await.unwrap().unwrap();
    for (times, duration) in [100_i64, 300, 500].into_iter().enumerate() {
        let mut entry = template.clone();
        entry.remove("_id");
        entry.insert("executionDuration", duration);
        entry.insert("attempts", i64::try_from(times).unwrap());
        history.insert_one(entry).await.unwrap();
    }
    let statistics = migrator.statistics().await.unwrap();
    assert_eq!(
        (statistics[0].mean(), statistics[0].slowest()),
        (Duration::from_millis(300), Duration::from_millis(500))
    );
}

#[tokio::test]
async fn a_page_has_limits() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:history").build().unwrap();
    for limit in [0, 501] {
        let error = migrator.history().limit(limit).await.unwrap_err();
        assert!(matches!(error, Error::PageSize { .. }), "{error}");
        println!("{error}");
    }
    assert_eq!(db.commands().take(), Vec::<String>::new());

    migrator.up().await.unwrap();
    let history = db.collection::<Document>("migrations_history");
    let entry = history.find_one(doc! { "act": "up" }).await.unwrap().unwrap();
    let many = (0..600).map(|number| {
        let mut entry = entry.clone();
        entry.remove("_id");
        entry.insert("executedAt", DateTime::from_millis(number));
        entry
    });
    history.insert_many(many).await.unwrap();
    assert_eq!(migrator.history().await.unwrap().entries.len(), 100);
    let page = migrator.history().limit(500).await.unwrap();
    assert_eq!((page.entries.len(), page.total), (500, 602));
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up" }).await, 602);
}

/// Adds entries of the first migration, executed at these times in milliseconds.
async fn insert(db: &TestDb, times: impl IntoIterator<Item = i64>) {
    let history = db.collection::<Document>("migrations_history");
    let template = history.find_one(doc! { "migrationId": FIRST }).await.unwrap().unwrap();
    let entries = times.into_iter().map(|time| {
        let mut entry = template.clone();
        entry.remove("_id");
        entry.insert("executedAt", DateTime::from_millis(time));
        entry
    });
    history.insert_many(entries).await.unwrap();
}

fn times(page: &HistoryPage) -> Vec<i64> {
    page.entries.iter().map(|entry| entry.executed_at.timestamp_millis()).collect()
}

#[tokio::test]
async fn filters_select_entries() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:history").build().unwrap();
    migrator.up().by("ana").await.unwrap();
    migrator.mark_pending([SECOND]).by("ben").await.unwrap();
    migrator.down().by("ben").await.unwrap();
    let all = migrator.history().await.unwrap().entries;
    assert!(all.iter().all(|entry| entry.id.is_some()));

    let by_ben = migrator.history().by("ben").await.unwrap();
    assert_eq!((by_ben.entries.as_slice(), by_ben.total), (&all[..2], 2));
    assert_eq!(migrator.history().by("be").await.unwrap().total, 0);
    assert_eq!(migrator.history().act(Act::Down).await.unwrap().entries, all[..1]);
    assert_eq!(migrator.history().act(Act::MarkPending).act(Act::Up).await.unwrap().entries, all[1..]);
    assert_eq!(migrator.history().token(all[3].token).await.unwrap().entries, all[2..]);
    assert_eq!(migrator.history().token(0).await.unwrap().total, 0);
    assert_eq!(migrator.history().act(Act::Up).by("ben").await.unwrap().total, 0);

    insert(&db, [10, 20, 30]).await;
    let between = async |since, until| {
        let [since, until] = [since, until].map(DateTime::from_millis);
        times(&migrator.history().since(since).until(until).await.unwrap())
    };
    assert_eq!(between(10, 30).await, [20, 10]);
    assert_eq!(between(11, 31).await, [30, 20]);
    assert_eq!(between(20, 20).await, [0; 0]);
    assert_eq!(times(&migrator.history().until(DateTime::from_millis(20)).await.unwrap()), [10]);
}

#[tokio::test]
async fn pages_do_not_shift_under_a_growing_history() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:history").build().unwrap();
    migrator.up().await.unwrap();
    db.collection::<Document>("migrations_history").delete_many(doc! { "migrationId": SECOND }).await.unwrap();
    // Several entries of one millisecond.
    insert(&db, [10, 20, 20, 20, 20, 30]).await;
    let expected = migrator.history().await.unwrap();
    assert_eq!((expected.total, expected.next), (7, None));

    let (mut found, mut next, mut pages) = (Vec::new(), None::<Cursor>, 0);
    loop {
        let query = migrator.history().limit(2);
        let page = match next {
            // As text, like in a URL.
            Some(next) => query.after(&next.to_string().parse().unwrap()).await.unwrap(),
            None => query.await.unwrap(),
        };
        pages += 1;
        // The total includes the pages before.
        assert_eq!(page.total, 6 + pages);
        found.extend(page.entries);
        next = page.next;
        if next.is_none() {
            break;
        }
        insert(&db, [DateTime::now().timestamp_millis() + 1_000]).await;
    }
    assert_eq!((found, pages), (expected.entries, 4));

    let exact = migrator.history().until(DateTime::from_millis(31)).limit(6).await.unwrap();
    assert_eq!((times(&exact), exact.next), (vec![30, 20, 20, 20, 20, 10], None));
    let page = migrator.history().until(DateTime::from_millis(31)).limit(3).await.unwrap();
    let rest = migrator.history().since(DateTime::from_millis(20)).after(&page.next.unwrap()).await.unwrap();
    assert_eq!((times(&rest), rest.next), (vec![20, 20], None));
    assert_eq!(times(&migrator.history().after(&page.next.unwrap()).skip(1).limit(1).await.unwrap()), [20]);
}

/// A page costs the same in a history of any length.
#[tokio::test]
async fn pages_come_from_an_index() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:history").build().unwrap();
    migrator.up().await.unwrap();
    insert(&db, 0..2_000).await;
    let first = migrator.history().limit(10).await.unwrap();
    db.run_command(doc! { "profile": 2 }).await.unwrap();
    let query = || migrator.history().limit(10);
    let after = first.next.unwrap();
    for query in [
        query(),
        query().after(&after),
        query().after(&after).migration(FIRST),
        query().after(&after).status(RecordStatus::Completed),
        query().after(&after).source("module:history").since(DateTime::from_millis(5)),
        query().token(7),
    ] {
        query.await.unwrap();
    }
    db.run_command(doc! { "profile": 0 }).await.unwrap();
    let profile = db.collection::<Document>("system.profile");
    let found = profile.find(doc! { "command.find": "migrations_history" }).await.unwrap();
    let found: Vec<_> = found.try_collect().await.unwrap();
    assert_eq!(found.len(), 6);
    for find in found {
        let examined = find.get_i32("docsExamined").unwrap();
        assert!(examined <= 12, "{find}");
    }
}
