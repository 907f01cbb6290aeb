//! Pausing, resuming and tuning a backfill while it is underway.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use mongodb::bson::doc;
use mongrate::context::Pace;
use mongrate::events::Event;
use mongrate::history::Act;
use mongrate::migration::State;
use mongrate::migrator::BackfillStatus;
use mongrate::{Error, Migrator, Registry};
use mongrate_tests::crash::backfill::{ID, MANY, SOURCE, assert_once, fill};
use mongrate_tests::{TestDb, eventually};

use mongrate_tests::stored::{count, record};

use super::quick;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Returns the number of ranges that are worked on.
async fn working(migrator: &Migrator) -> u64 {
    status(migrator).await.workers.iter().map(|worker| worker.ranges).sum()
}

async fn status(migrator: &Migrator) -> BackfillStatus {
    migrator.backfills().await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_paused_backfill_stays_paused_until_it_is_resumed() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let migrator = quick(&db);
    let began = Instant::now();
    migrator.up().background(true).await.unwrap();
    migrator.steer(ID).pace(Pace::Rate(number(4_000))).await.unwrap();
    let service = || Migrator::builder((*db).clone()).registry(Registry::linked().source(SOURCE)).assume_new().boot();
    let mut booted = service().variables(|_| None::<String>).await.unwrap();
    eventually("documents are changed", async || (count(&db, "orders", doc! { "n": 1 }).await > 0).then_some(())).await;

    migrator.steer(ID).pause().by("ana").because("sale until noon").await.unwrap();
    // Between two ranges, a worker has no claim.
    let mut idle = 0;
    eventually("nobody works", async || {
        idle = if working(&migrator).await == 0 { idle + 1 } else { 0 };
        (idle == 30).then_some(())
    })
    .await;
    let paused = status(&migrator).await;
    println!("{paused:?}");
    let pause = paused.paused.clone().unwrap();
    assert_eq!((pause.by.as_deref(), pause.because.as_deref()), (Some("ana"), Some("sale until noon")));
    assert_eq!((paused.state, paused.rate, paused.remaining()), (State::Underway, None, None));
    assert_eq!(paused.tuning.pace, Some(Pace::Rate(number(4_000))));
    let so_far = count(&db, "orders", doc! { "n": 1 }).await;
    assert!((1..MANY.unsigned_abs()).contains(&so_far), "{so_far}");

    // Another process does not wait for it.
    let other = quick(&db);
    let mut told = other.events();
    let report = other.up().await.unwrap();
    assert_eq!(report.underway(), [ID]);
    let paused = loop {
        if let Event::Paused { migration, by, because } = told.next().await.unwrap() {
            break (migration.id(), by, because);
        }
    };
    assert_eq!(paused, (ID, Some("ana".to_owned()), Some("sale until noon".to_owned())));
    let warned = format!("'{ID}' is paused by ana (sale until noon), and goes on when it is resumed");
    assert!(report.warnings().contains(&warned), "{report}");
    // A restarted service does not work on it, either.
    booted.migrator().shutdown().await;
    booted.backfilled().await;
    let mut booted = service().variables(|_| None::<String>).await.unwrap();
    let mut events = booted.migrator().events();
    // It looks at the ranges again only after it has decided what to do, and reads once.
    for _ in 0..2 {
        let _ = db.commands().take();
        while !matches!(events.next().await.unwrap(), Event::Progress { .. }) {}
    }
    assert_eq!(db.commands().take(), ["aggregate"]);
    assert_eq!(count(&db, "orders", doc! { "n": 1 }).await, so_far);

    migrator.steer(ID).resume().pace(Pace::Full).by("ben").await.unwrap();
    while !matches!(events.next().await.unwrap(), Event::Resumed { migration } if migration.id() == ID) {}
    let took = loop {
        if let Event::Finished { migration, duration, .. } = events.next().await.unwrap()
            && migration.id() == ID
        {
            break duration;
        }
    };
    // From its start on, and not only that of its last step.
    assert!((began.elapsed() / 2..began.elapsed()).contains(&took), "{took:?}");
    let recorded = record(&db, ID).await.unwrap().get_i64("executionDuration").unwrap();
    let recorded = Duration::from_millis(recorded.unsigned_abs());
    assert!(recorded <= took && took < recorded + Duration::from_secs(10), "{recorded:?} {took:?}");
    booted.backfilled().await;
    assert_once(&db, MANY, "resumed").await;

    let history = migrator.history().await.unwrap();
    let steered: Vec<_> = history.entries.iter().filter(|entry| entry.act == Act::Steer).collect();
    let told = |entry: &&mongrate::history::HistoryEntry| (entry.steered.clone().unwrap(), entry.by.clone());
    let told: Vec<_> = steered.iter().map(told).collect();
    let ana = |text: &str, by: Option<&str>| (text.to_owned(), by.map(str::to_owned));
    assert_eq!(told, [ana("resumed, pace full", Some("ben")), ana("paused", Some("ana")), ana("pace 4000", None)]);
    assert!(steered.iter().all(|entry| entry.migration_id.as_deref() == Some(ID)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_workers_and_pace_change_half_way() {
    let db = TestDb::new().await;
    fill(&db, MANY).await;
    let migrator = quick(&db);
    migrator.up().background(true).await.unwrap();
    migrator.steer(ID).pace(Pace::Rate(number(3_000))).workers(number(4)).await.unwrap();
    let began = Instant::now();
    let (one, other) = (quick(&db), quick(&db));
    let work = tokio::spawn(async move { tokio::join!(one.up().into_future(), other.up().into_future()) });
    eventually("four work", async || (working(&migrator).await == 4).then_some(())).await;
    migrator.steer(ID).workers(NonZeroU32::MIN).await.unwrap();
    eventually("one works", async || (working(&migrator).await == 1).then_some(())).await;
    let seen = status(&migrator).await;
    println!("{seen:?}");
    assert_eq!(seen.tuning.workers, Some(1));
    // It keeps to the pace: so many documents take at least so long, but for the last batches, of up to a second.
    let least = Duration::from_millis(seen.scanned * 1_000 / 3_000);
    assert!(began.elapsed() + Duration::from_secs(1) > least, "{:?} for {}", began.elapsed(), seen.scanned);
    migrator.steer(ID).as_coded().pace(Pace::Rate(number(3_000))).await.unwrap();
    let coded = status(&migrator).await;
    assert_eq!((coded.tuning.workers, coded.tuning.pace), (None, Some(Pace::Rate(number(3_000)))));
    eventually("a rate", async || status(&migrator).await.remaining()).await;
    migrator.steer(ID).workers(number(3)).pace(Pace::Full).await.unwrap();
    let (one, other) = work.await.unwrap();
    assert_eq!(one.unwrap().applied().count() + other.unwrap().applied().count(), 2);
    assert_once(&db, MANY, "tuned").await;
}

#[tokio::test]
async fn what_cannot_be_steered_is_refused() {
    let db = TestDb::new().await;
    fill(&db, 10).await;
    let migrator = quick(&db);
    let error = migrator.steer(ID).pause().await.unwrap_err();
    let told =
        format!("'{ID}' is not a backfill that is underway or has failed. `backfills` lists those that there are");
    assert_eq!(error.to_string(), told);
    migrator.up().await.unwrap();
    assert!(matches!(migrator.steer(ID).pause().await, Err(Error::NotUnderway { id }) if id == ID));
    assert!(matches!(migrator.steer("nothing").pause().await, Err(Error::UnknownMigration { .. })));
    let error = migrator.steer(ID).await.unwrap_err();
    assert_eq!(error.to_string(), "nothing to change: pause, resume, or tune it");
    assert_eq!(count(&db, "migrations_history", doc! { "act": "steer" }).await, 0);
}
