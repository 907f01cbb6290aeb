//! Migrators that cover a part of the runs of another one.

use futures_util::FutureExt;
use mongrate::events::Event;
use mongrate::{Error, Tx, migration};
use mongrate_tests::stored::{lease_is_free, migrator, step, steps};
use mongrate_tests::{Gate, TestDb};

static RUNS: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_slow", source = "module:runs-child")]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    RUNS.open();
    GOES.pass().await;
    Ok(step(tx, "done").await?)
}

/// Its own run waits for the other one.
#[tokio::test]
async fn a_shutdown_of_a_child_leaves_other_runs_alone() {
    let db = TestDb::new().await;
    let parent = migrator(&db, "module:runs-child").build().unwrap();
    let child = parent.child();
    let (mut all, mut own) = (parent.events(), child.events());
    let run = tokio::spawn(parent.up().into_future());
    RUNS.pass().await;
    let waiting = tokio::spawn(child.up().into_future());
    let Some(Event::Waiting { .. }) = own.next().await else { panic!("it does not wait") };
    child.shutdown().await;
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    // Nor does a clone of the child run anything, or a child of its own.
    for migrator in [child.clone(), child.child()] {
        let error = migrator.up().await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    }

    GOES.open();
    assert_eq!(run.await.unwrap().unwrap().applied().count(), 1);
    assert_eq!(steps(&db).await, ["slow", "done"]);

    // The events of the other run are not the child's. The parent hears of both.
    let Some(Event::Ended { token: None }) = own.next().await else { panic!("it has not ended") };
    drop(child);
    let rest: Vec<_> = std::iter::from_fn(|| own.next().now_or_never().flatten()).collect();
    assert!(rest.iter().all(|event| matches!(event, Event::Ended { token: None })), "{rest:?}");
    let mut ended = Vec::new();
    while !ended.contains(&Some(1)) {
        if let Event::Ended { token } = all.next().await.unwrap() {
            ended.push(token);
        }
    }
    assert!(ended.contains(&None), "{ended:?}");
}

static CHILD_RUNS: Gate = Gate::new();

#[migration(id = "001_endless", source = "module:runs-parent")]
async fn endless(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "endless").await?;
    CHILD_RUNS.open();
    loop {
        tx.collection::<mongodb::bson::Document>("steps").count_documents(mongodb::bson::doc! {}).await?;
    }
}

#[tokio::test]
async fn i6_a_shutdown_of_the_parent_stops_the_runs_of_its_children() {
    let db = TestDb::new().await;
    let parent = migrator(&db, "module:runs-parent").build().unwrap();
    let run = tokio::spawn(parent.child().child().up().into_future());
    CHILD_RUNS.pass().await;
    parent.shutdown().await;
    // Everything has ended when it returns.
    assert!(lease_is_free(&db).await);
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert!(steps(&db).await.is_empty());
}
