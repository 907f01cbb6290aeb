//! The local server.

use mongodb::bson::{Document, doc};
use mongrate::mongod::Mongod;

#[tokio::test]
async fn one_member_takes_transactions() {
    let server = Mongod::start().await.unwrap();
    let client = server.client().await.unwrap();
    let things = client.database("test").collection::<Document>("things");
    let mut session = client.start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    things.insert_one(doc! {}).session(&mut session).await.unwrap();
    session.commit_transaction().await.unwrap();
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 1);

    let log = server.members()[0].log();
    assert!(log.exists());
    server.shutdown().await;
    assert!(!log.exists());
}
