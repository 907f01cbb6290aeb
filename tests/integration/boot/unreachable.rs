//! A service often starts together with its database.

use std::net::TcpListener;

use mongodb::{Client, Database};
use mongrate::Error;
use mongrate_tests::stored::{migrator, steps};
use mongrate_tests::{Lost, Proxy, Strike, TestDb, eventually, servers};

use super::variables;
use crate::logs::Logs;

/// A port without a listener.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn database(port: u16, patience_ms: u32, name: &str) -> Database {
    let uri = format!("mongodb://127.0.0.1:{port}/?directConnection=true&serverSelectionTimeoutMS={patience_ms}");
    Client::with_uri_str(uri).await.unwrap().database(name)
}

fn tries(logs: &Logs) -> usize {
    logs.text().matches("retrying in").count()
}

#[tokio::test]
async fn an_unreachable_server_is_tried_five_times() {
    for environment in [variables([("MONGRATE_AUTO", "true")]), variables([("MONGRATE_AUTO", "false")])] {
        let logs = Logs::default();
        let _guard = tracing::subscriber::set_default(logs.subscriber());
        let db = database(free_port(), 20, "nowhere").await;
        let error = migrator(&db, "module:boot").boot().variables(environment).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        assert_eq!(tries(&logs), 4, "{}", logs.text());
    }
}

#[tokio::test]
async fn a_server_that_starts_meanwhile_is_found() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let (db, port) = (TestDb::new().await, free_port());
    let late = database(port, 1_000, db.name()).await;
    let boot = tokio::spawn(migrator(&late, "module:boot").boot().variables(variables([])).into_future());
    eventually("two tries", async || (tries(&logs) == 2).then_some(())).await;
    let server = servers::replica_set().await.members()[0].port();
    let _proxy = Proxy::at(port, server, Strike::Any(0..=0), Lost::Request).await;
    let booted = boot.await.unwrap().unwrap();
    assert_eq!(booted.report().unwrap().applied().count(), 1);
    assert_eq!(steps(&db).await, ["a"]);
}

#[tokio::test]
async fn a_service_may_start_without_its_database() {
    let db = database(free_port(), 20, "nowhere").await;
    let environment = variables([("MONGRATE_FAIL_HARD", "no")]);
    let booted = migrator(&db, "module:boot").boot().variables(environment).await.unwrap();
    assert!(matches!(booted.error(), Some(Error::Unreachable { .. })), "{booted}");
    assert!(booted.report().is_none());
    assert!(matches!(booted.migrator().health().await, Err(Error::Unreachable { .. })));
}
