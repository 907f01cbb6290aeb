//! Members that are killed, stopped and restarted.

use std::collections::BTreeSet;

use mongodb::Collection;
use mongodb::bson::{Document, doc};
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use mongrate_testkit::mongod::{Error, Member, Mongod};

#[tokio::test]
async fn another_member_takes_over_from_a_primary_that_is_killed_or_stopped() {
    let server = Mongod::builder().members(3).start().await.unwrap();
    let pids: BTreeSet<_> = server.members().iter().filter_map(Member::pid).collect();
    assert_eq!(pids.len(), 3);
    let things = durable(&server).await;
    things.insert_one(doc! { "_id": 1 }).await.unwrap();

    let first = server.primary().await.unwrap();
    server.kill(first).unwrap();
    assert_eq!(server.members()[first].pid(), None);
    assert!(matches!(server.stop(first), Err(Error::NotRunning { .. })));
    let second = server.primary().await.unwrap();
    assert_ne!(first, second);
    things.insert_one(doc! { "_id": 2 }).await.unwrap();

    let port = server.members()[first].port();
    server.restart(first).await.unwrap();
    assert_eq!(server.members()[first].port(), port);

    server.stop(second).unwrap();
    let third = server.primary().await.unwrap();
    assert_ne!(second, third);
    server.cont(second).unwrap();
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 2);
    server.shutdown().await;
}

#[tokio::test]
async fn a_stopped_member_does_not_hold_up_the_end() {
    let server = Mongod::start().await.unwrap();
    let log = server.members()[0].log();
    server.stop(0).unwrap();
    server.shutdown().await;
    assert!(!log.exists());
}

#[tokio::test]
async fn a_member_can_be_restarted_while_it_runs() {
    let server = Mongod::start().await.unwrap();
    let before = server.members()[0].pid();
    durable(&server).await.insert_one(doc! {}).await.unwrap();
    server.restart(0).await.unwrap();
    assert_ne!(server.members()[0].pid(), before);
    assert_eq!(server.primary().await.unwrap(), 0);
    assert_eq!(durable(&server).await.count_documents(doc! {}).await.unwrap(), 1);
    assert!(matches!(server.restart(1).await, Err(Error::NotRunning { index: 1 })));
}

/// A collection whose writes no fault can undo.
async fn durable(server: &Mongod) -> Collection<Document> {
    let mut majority = WriteConcern::majority();
    majority.journal = Some(true);
    let options = mongodb::options::CollectionOptions::builder()
        .write_concern(majority)
        .read_concern(ReadConcern::majority())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .build();
    // Otherwise the driver notices a stopped primary only after twenty seconds.
    let uri = format!("{}&heartbeatFrequencyMS=1000&connectTimeoutMS=2000", server.uri());
    let client = mongodb::Client::with_uri_str(uri).await.unwrap();
    client.database("test").collection_with_options("things", options)
}
