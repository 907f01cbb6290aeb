//! A server that does not respond: the error names the hosts, but no credentials.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::doc;
use mongrate::{Error, Migrator, Tx, migration};
use mongrate_tests::stored::migrator;
use mongrate_tests::{FailPoint, TestDb};

#[migration(id = "001_nothing", source = "module:unreachable")]
async fn nothing(tx: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(tx.kv().set("seen", true).await?)
}

/// A migrator for a port without a listener, and the port.
async fn nobody() -> (Migrator, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri = format!("mongodb://ada:swordfish@127.0.0.1:{port}/?serverSelectionTimeoutMS=500");
    let client = Client::with_uri_str(uri).await.unwrap();
    (migrator(&client.database("shop"), "module:unreachable").build().unwrap(), port)
}

#[tokio::test]
async fn the_hosts_are_named_without_credentials_and_in_time() {
    let (migrator, port) = nobody().await;
    let began = Instant::now();
    let up = migrator.up().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    println!("{up}");
    for error in [up, migrator.status().await.unwrap_err(), migrator.plan().await.unwrap_err()] {
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
        for told in [error.to_string(), format!("{error:?}")] {
            assert!(!told.contains("swordfish") && !told.contains("ada"), "{told}");
        }
    }
}

#[tokio::test]
async fn i6_losing_the_server_midway_is_reported() {
    let db = TestDb::new().await;
    let data = doc! { "failCommands": ["findAndModify"], "closeConnection": true };
    let fault = FailPoint::always(&db, data).await;
    let error = migrator(&db, "module:unreachable").build().unwrap().up().await.unwrap_err();
    drop(fault);
    println!("{error}");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("take the migration lock"), "{error}");
    migrator(&db, "module:unreachable").build().unwrap().up().await.unwrap();
}
