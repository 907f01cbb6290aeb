//! A server that responds, but is not ready: it has no primary yet, or is shutting down.

use mongodb::bson::doc;
use mongodb::{Client, Database};
use mongrate::Error;
use mongrate_tests::stored::{migrator, steps};
use mongrate_tests::{FailPoint, TestDb, eventually, servers};

use super::variables;
use crate::logs::Logs;

/// `ShutdownInProgress`, `PrimarySteppedDown`, `LegacyNotPrimary`, `NotWritablePrimary`, `InterruptedAtShutdown`,
/// `InterruptedDueToReplStateChange`, `NotPrimaryNoSecondaryOk`, `NotPrimaryOrSecondary`.
const NOT_NOW: [i32; 8] = [91, 189, 10058, 10107, 11600, 11602, 13435, 13436];

fn tries(logs: &Logs) -> usize {
    logs.text().matches("retrying in").count()
}

#[tokio::test]
async fn a_server_that_is_not_ready_is_retried() {
    for code in NOT_NOW {
        let logs = Logs::default();
        let _guard = tracing::subscriber::set_default(logs.subscriber());
        let db = TestDb::new().await;
        // The driver sends a read twice by itself.
        let fault = FailPoint::times(2, &db, doc! { "failCommands": ["find"], "errorCode": code }).await;
        let booted = migrator(&db, "module:boot").boot().variables(variables([])).await;
        let booted = booted.unwrap_or_else(|error| panic!("{code}: {error}"));
        drop(fault);
        assert_eq!(booted.report().unwrap().applied().count(), 1);
        assert!((1..=2).contains(&tries(&logs)), "{code}: {}", logs.text());
        assert!(logs.text().contains("MongoDB is not ready to read the records"), "{}", logs.text());
        assert_eq!(steps(&db).await, ["a"]);
    }
}

#[tokio::test]
async fn not_ready_and_unreachable_have_different_errors() {
    let db = TestDb::new().await;
    for (code, cure) in
        [(13436, "It is starting, electing a primary or shutting down"), (10107, "directConnection=true")]
    {
        let fault = FailPoint::always(&db, doc! { "failCommands": ["find"], "errorCode": code }).await;
        let error = migrator(&db, "module:boot").build().unwrap().health().await.unwrap_err();
        drop(fault);
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("MongoDB is not ready to read the records") && text.contains(cure), "{text}");
    }
}

/// A permanent error is not retried.
#[tokio::test]
async fn a_permanent_error_is_reported_at_once() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let db = TestDb::new().await;
    let fault = FailPoint::always(&db, doc! { "failCommands": ["find"], "errorCode": 13 }).await;
    let error = migrator(&db, "module:boot").boot().variables(variables([])).await.unwrap_err();
    drop(fault);
    assert!(matches!(error, Error::NotAuthorized { .. }), "{error:?}");
    assert_eq!(tries(&logs), 0);
}

/// The set is initiated only when a service has asked in vain more often than it asks for a server that is not there.
#[tokio::test]
async fn a_replica_set_that_is_initiated_later_is_waited_for() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let server = servers::builder().standalone().arg("--replSet").arg("rs0").start().await.unwrap();
    let port = server.members()[0].port();
    let uri = format!("mongodb://127.0.0.1:{port}/?directConnection=true");
    let client = Client::with_uri_str(&uri).await.unwrap();
    let db: Database = client.database("late");
    let boot = tokio::spawn(migrator(&db, "module:boot").boot().variables(variables([])).into_future());
    eventually("six tries", async || (tries(&logs) == 6).then_some(())).await;
    let members = doc! { "_id": "rs0", "members": [{ "_id": 0, "host": format!("127.0.0.1:{port}") }] };
    client.database("admin").run_command(doc! { "replSetInitiate": members }).await.unwrap();
    let booted = boot.await.unwrap().unwrap();
    assert_eq!(booted.report().unwrap().applied().count(), 1);
    assert_eq!(steps(&db).await, ["a"]);
    server.shutdown().await;
}
