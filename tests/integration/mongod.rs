//! The local server.

mod faults;
mod folders;
mod leftovers;
mod refusals;

use mongodb::bson::{Document, doc};
use mongrate_testkit::mongod::Mongod;

#[tokio::test]
async fn one_member_takes_transactions_and_leaves_nothing() {
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
    assert!(!log.parent().unwrap().parent().unwrap().exists());
}

#[tokio::test]
async fn a_standalone_server_is_not_a_replica_set() {
    let server = Mongod::builder().standalone().start().await.unwrap();
    let client = server.client().await.unwrap();
    let hello = client.database("admin").run_command(doc! { "hello": 1 }).await.unwrap();
    assert!(!hello.contains_key("setName"));
    client.database("test").collection("things").insert_one(doc! {}).await.unwrap();
}

#[tokio::test]
async fn parameters_arguments_and_variables_reach_the_server() {
    let server = Mongod::builder()
        .set_parameter("transactionLifetimeLimitSeconds", 7)
        .arg("--maxConns")
        .arg("77")
        .env("SAID_BY_THE_TEST", "yes")
        .start()
        .await
        .unwrap();
    let admin = server.client().await.unwrap().database("admin");
    let parameter = doc! { "getParameter": 1, "transactionLifetimeLimitSeconds": 1 };
    let answer = admin.run_command(parameter).await.unwrap();
    assert_eq!(answer.get_i32("transactionLifetimeLimitSeconds").unwrap(), 7);
    let options = admin.run_command(doc! { "getCmdLineOpts": 1 }).await.unwrap();
    assert!(options.get_array("argv").unwrap().contains(&"77".into()));

    let pid = server.members()[0].pid().unwrap();
    let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert!(variables.split(|byte| *byte == 0).any(|variable| variable == b"SAID_BY_THE_TEST=yes"));
}
