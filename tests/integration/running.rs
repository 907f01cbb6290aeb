//! Time limits, shutdown and events.

use std::time::Duration;

use futures_util::StreamExt;
use mongodb::bson::{Document, doc};
use mongrate::events::Event;
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::stored::{
    can_be_written, collections, count, history, lease_is_free, migrator, record, status, step, steps, tell, told,
    untell,
};
use mongrate_tests::{Gate, TestDb};

const QUICK: &str = "module:running:001_quick";
const SLOW: &str = "module:running:002_slow";

#[migration(id = "001_quick", source = "module:running", down = quick_down)]
async fn quick(schema: &mut Schema) -> Result<(), Error> {
    schema.create_index("things", doc! { "a": 1 }).named("by_a").await
}

async fn quick_down(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_index("things", "by_a").await
}

#[migration(id = "002_slow", source = "module:running")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    anyhow::ensure!(!told(tx, "fail").await?, "told to");
    while told(tx, "wait").await? {}
    Ok(())
}

#[migration(id = "003_after", source = "module:running")]
async fn after(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "after").await?)
}

/// What was under way is stopped between two calls and on record; nothing follows, and the next one can begin at once.
#[tokio::test]
async fn i6_a_run_has_a_time_limit() {
    for by_builder in [false, true] {
        let db = TestDb::new().await;
        tell(&db, "wait").await;
        let limit = Duration::from_secs(1);
        let builder = migrator(&db, "module:running");
        let error = if by_builder {
            builder.timeout(limit).build().unwrap().up().continue_on_error(true).await.unwrap_err()
        } else {
            builder.build().unwrap().up().continue_on_error(true).timeout(limit).await.unwrap_err()
        };
        println!("{error}\n{}", error.report().unwrap());
        let Error::RunTimedOut { report, .. } = &error else { panic!("{error}") };
        assert_eq!(report.applied().map(|execution| execution.id.as_str()).collect::<Vec<_>>(), [QUICK]);
        assert_eq!(report.not_run(), ["module:running:003_after"]);
        assert!(steps(&db).await.is_empty());
        let failed = record(&db, SLOW).await.unwrap();
        assert_eq!(failed.get_str("status").unwrap(), "failed");
        assert!(failed.get_str("error").unwrap().contains("time limit of 1.0 s"), "{failed}");
        assert_eq!(history(&db, SLOW).await, ["failed"]);
        assert!(lease_is_free(&db).await);
        can_be_written(&db, "steps").await;

        untell(&db, "wait").await;
        assert_eq!(migrator(&db, "module:running").build().unwrap().up().await.unwrap().applied().count(), 2);
        assert_eq!(steps(&db).await, ["slow", "after"]);
    }
}

static HELD: Gate = Gate::new();
static LET_GO: Gate = Gate::new();

#[migration(id = "001_holds", source = "module:running-holds")]
async fn holds(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "holds").await?;
    HELD.open();
    LET_GO.pass().await;
    Ok(())
}

#[tokio::test]
async fn waiting_for_the_lease_counts_toward_the_time_limit() {
    let db = TestDb::new().await;
    let holder = migrator(&db, "module:running-holds").build().unwrap();
    let run = tokio::spawn(holder.up().into_future());
    HELD.pass().await;
    let waiter = migrator(&db, "module:running-holds").build().unwrap();
    let mut events = waiter.events();
    let error = waiter.up().timeout(Duration::from_millis(500)).await.unwrap_err();
    assert!(matches!(&error, Error::RunTimedOut { report, .. } if report.is_empty()), "{error}");
    let Some(Event::Waiting { holder, .. }) = events.next().await else { panic!("it did not wait") };
    assert_eq!(holder.pid, i64::from(std::process::id()));
    LET_GO.open();
    run.await.unwrap().unwrap();
    assert_eq!(steps(&db).await, ["holds"]);
}

#[tokio::test]
async fn i6_a_shutdown_ends_a_run_and_releases_the_lease() {
    let db = TestDb::new().await;
    tell(&db, "wait").await;
    let migrator = migrator(&db, "module:running").build().unwrap();
    let mut events = migrator.events();
    let run = tokio::spawn(migrator.up().into_future());
    // It is in the body of the second one.
    while !matches!(events.next().await, Some(Event::Operation { migration, .. }) if migration.id() == SLOW) {}
    migrator.shutdown().await;
    // Everything has ended when it returns.
    assert!(lease_is_free(&db).await);
    let error = run.await.unwrap().unwrap_err();
    println!("{error}");
    let Error::Interrupted { report } = &error else { panic!("{error}") };
    assert_eq!(report.stopped().unwrap().id, SLOW);
    assert!(steps(&db).await.is_empty());
    assert_eq!(status(&db, SLOW).await, "");
    can_be_written(&db, "steps").await;

    // A later run of the same migrator does not begin, but reads work.
    let error = migrator.up().await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert_eq!(migrator.status().await.unwrap().pending().count(), 2);
    assert!(lease_is_free(&db).await);

    untell(&db, "wait").await;
    let next = mongrate_tests::stored::migrator(&db, "module:running").build().unwrap();
    assert_eq!(next.up().await.unwrap().applied().count(), 2);
}

#[tokio::test]
async fn a_shutdown_with_nothing_to_stop_returns_at_once() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:running").build().unwrap();
    migrator.up().await.unwrap();
    migrator.shutdown().await;
    // Nothing to do is not an error.
    assert!(migrator.up().await.unwrap().is_empty());
}

fn told_as(event: &Event) -> String {
    match event {
        Event::Planned(plan) => format!("planned {}", plan.len()),
        Event::Started { migration, direction } => format!("started {direction} {}", migration.id()),
        Event::Operation { operation, .. } => format!("  {operation}"),
        Event::Finished { migration, direction, .. } => format!("finished {direction} {}", migration.id()),
        Event::Failed { migration, direction, message, .. } => {
            format!("failed {direction} {}: {message}", migration.id())
        }
        Event::Acquired { token } => format!("acquired {token}"),
        Event::Ended { token } => format!("ended {token:?}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn events_are_sent_as_they_happen() {
    let db = TestDb::new().await;
    tell(&db, "fail").await;
    let migrator = migrator(&db, "module:running").build().unwrap();
    // Two listeners, and one that has gone away.
    let (mut events, stream) = (migrator.events(), migrator.events());
    drop(migrator.events());
    migrator.up().await.unwrap_err();
    let mut told: Vec<String> = Vec::new();
    while told.last().is_none_or(|last| !last.starts_with("ended")) {
        told.push(told_as(&events.next().await.unwrap()));
    }
    let expected = [
        "acquired 1",
        "planned 3",
        "started up module:running:001_quick",
        "  things: create_index",
        "finished up module:running:001_quick",
        "started up module:running:002_slow",
        "  steps: count_documents",
        "  steps: insert_one, 1 inserted",
        "  told: find_one, 1 matched",
        "failed up module:running:002_slow: told to",
        "ended Some(1)",
    ];
    assert_eq!(told, expected);
    // There are no events if there is nothing to do.
    migrator.down().await.unwrap();
    migrator.down().await.unwrap();
    let expected = [
        "acquired 2",
        "planned 1",
        "started down module:running:001_quick",
        "  things: drop_index",
        "finished down module:running:001_quick",
        "ended Some(2)",
    ];
    drop(migrator);
    let told: Vec<_> = stream.map(|event| told_as(&event)).collect().await;
    assert_eq!(told[11..], expected);
    assert_eq!(count(&db, "steps", doc! {}).await, 0);
    assert!(collections(&db).await.contains(&"things".to_owned()));
    assert_eq!(db.collection::<Document>("things").list_index_names().await.unwrap(), ["_id_"]);
}
