//! Data that is kept between starts.

use mongodb::bson::{Document, doc};
use mongrate_testkit::mongod::{Builder, Error, Mongod};
use mongrate_tests::{Scratch, eventually, servers};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[tokio::test]
async fn a_kept_folder_serves_the_next_start_on_the_same_port() {
    let scratch = Scratch::new();
    // Not made yet.
    let kept = Mongod::builder().data_dir(scratch.path().join("data"));
    let port = insert_one_more(kept.clone(), 1).await;
    assert_eq!(insert_one_more(kept.clone(), 2).await, port);

    let taken = occupy(port).await;
    let other = insert_one_more(kept.clone(), 3).await;
    assert_ne!(other, port);
    taken.abort();
    taken.await.unwrap_err();
    assert_eq!(insert_one_more(kept, 4).await, other);
}

#[tokio::test]
async fn three_members_find_each_other_on_other_ports() {
    let scratch = Scratch::new();
    let kept = Mongod::builder().data_dir(scratch.path()).members(3);
    let port = insert_one_more(kept.clone(), 1).await;
    let _taken = occupy(port).await;
    insert_one_more(kept, 2).await;
}

#[tokio::test]
async fn a_dropped_server_keeps_what_its_last_moment_wrote() {
    if servers::skip_on_windows("SIGTERM ends the process without writing what is in memory").await {
        return;
    }
    let scratch = Scratch::new();
    let kept = Mongod::builder().data_dir(scratch.path()).standalone();
    let server = kept.clone().start().await.unwrap();
    let things = server.client().await.unwrap().database("test").collection::<Document>("things");
    things.insert_many((0..100).map(|number| doc! { "_id": number })).await.unwrap();
    drop(server);
    let server = kept.start().await.unwrap();
    let things = server.client().await.unwrap().database("test").collection::<Document>("things");
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 100);
}

#[tokio::test]
async fn a_folder_belongs_to_one_server_at_a_time() {
    let scratch = Scratch::new();
    let kept = Mongod::builder().data_dir(scratch.path());
    let _server = kept.clone().start().await.unwrap();
    let error = kept.start().await.unwrap_err();
    assert!(matches!(error, Error::Exited { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("Another server runs on this data folder: end it, or give this one a folder of its own"),
        "{error}"
    );
}

/// Starts, sees all but one of the documents, inserts that one, and ends; the first member's port.
async fn insert_one_more(builder: Builder, total: u64) -> u16 {
    let server = builder.start().await.unwrap();
    let things = server.client().await.unwrap().database("test").collection::<Document>("things");
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), total - 1);
    things.insert_one(doc! {}).await.unwrap();
    let port = server.members()[0].port();
    server.shutdown().await;
    port
}

/// A service of another kind on this port: it hangs up on whoever talks MongoDB to it.
async fn occupy(port: u16) -> JoinHandle<()> {
    // Wine closes the sockets of a process that has ended a moment later.
    let listener = eventually("the port to be free", async || TcpListener::bind(("127.0.0.1", port)).await.ok()).await;
    tokio::spawn(async move { while listener.accept().await.is_ok() {} })
}
