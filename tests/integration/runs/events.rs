//! Listeners that do not read.

use futures_util::StreamExt;
use mongodb::bson::{Document, doc};
use mongrate::events::Event;
use mongrate::{Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::migrator;

/// Number of events that wait for a listener.
const KEPT: usize = 1_024;

#[migration(id = "001_many", source = "module:runs-events")]
async fn many(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    for _ in 0..1_500 {
        things.find_one(doc! {}).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_listener_that_never_reads_misses_events() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-events").build().unwrap();
    let child = migrator.child();
    let (lazy, mut eager) = (child.events(), migrator.events());
    let run = tokio::spawn(child.up().into_future());
    drop(child);
    let mut read = Vec::new();
    while !matches!(read.last(), Some(Event::Ended { .. })) {
        read.push(eager.next().await.unwrap());
    }
    assert_eq!(run.await.unwrap().unwrap().applied().count(), 1);
    assert!(read.len() > 1_500 && !read.iter().any(|event| matches!(event, Event::Missed { .. })), "{}", read.len());

    // The stream of the lazy one ends with its migrator. The last events are missing, which it learns.
    let kept: Vec<_> = lazy.collect().await;
    assert_eq!(kept.len(), KEPT + 1);
    assert!(matches!(kept[0], Event::Acquired { .. }) && matches!(kept[KEPT - 1], Event::Operation { .. }));
    let Event::Missed { count } = kept[KEPT] else { panic!("{:?}", kept[KEPT]) };
    assert_eq!(usize::try_from(count).unwrap(), read.len() - KEPT);
}
