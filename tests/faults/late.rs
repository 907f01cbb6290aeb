//! DDL of a former holder that reaches the server after its successor has completed. It cannot be prevented, but it is detected.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongrate::migrator::{HealthStatus, Problem};
use mongrate::{Error, Migrator, Registry, Schema, migration};
use mongrate_tests::{FailPoint, Lost, Proxy, Strike, TestDb, eventually, servers};

#[migration(id = "001_drop_index", source = "module:late-drop-index")]
async fn drop_index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_index("users", "email_1").await?;
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

#[migration(id = "001_create_index", source = "module:late-create-index")]
async fn create_index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).await?;
    schema.drop_index("users", "email_1").await
}

#[migration(id = "001_validator", source = "module:late-validator")]
async fn validator(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.set_validator("users", doc! { "email": { "$gt": "" } }).await?;
    schema.set_validator("users", doc! { "mail": { "$gt": "" } }).await
}

#[migration(id = "001_create", source = "module:late-create")]
async fn create(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("tmp").await?;
    schema.drop_collection("tmp").await
}

fn migrator(database: mongodb::Database, source: &str) -> Migrator {
    Migrator::builder(database)
        .registry(Registry::linked().source(source))
        .lease(Duration::from_secs(2))
        .build()
        .unwrap()
}

/// A is cut off with a command in flight. B takes over and completes. Then A's command arrives.
async fn late(source: &str, command: &'static str, number: usize) -> (TestDb, Migrator) {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_one(doc! { "email": "a", "mail": "a" }).await.unwrap();
    users.create_index(mongodb::IndexModel::builder().keys(doc! { "email": 1 }).build()).await.unwrap();
    if source == "module:late-create-index" {
        users.drop_index("email_1").await.unwrap();
    }
    let port = servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Named(command, number..=number), Lost::Delayed).await;
    let cut_off = migrator(Client::with_uri_str(proxy.uri()).await.unwrap().database(db.name()), source);
    tokio::spawn(cut_off.up().into_future());
    proxy.delays().await;

    let successor = migrator(db.database().clone(), source);
    let report = successor.up().await.unwrap();
    assert_eq!(report.applied().count(), 1, "{report}");
    assert!(successor.validate().await.unwrap().is_valid());
    let answer = proxy.deliver().await;
    println!("{command}, late: {answer}");
    assert!(answer.get_f64("ok").is_ok_and(|ok| ok.total_cmp(&1.0).is_eq()), "{answer}");
    (db, successor)
}

#[tokio::test]
async fn i2_a_late_command_is_a_difference() {
    for (source, command, number, object, expected, found) in [
        ("module:late-drop-index", "dropIndexes", 1, "index 'email_1' of 'users'", "\"unique\": true", "none"),
        // One for Mongrate's own history.
        ("module:late-create-index", "createIndexes", 2, "index 'email_1' of 'users'", "none", "\"email\": 1"),
        ("module:late-validator", "collMod", 1, "validator of 'users'", "\"mail\"", "\"email\""),
    ] {
        let (_db, migrator) = late(source, command, number).await;
        // The states of the migrations have not changed, so a boot does not notice.
        assert!(migrator.up().await.unwrap().is_empty());
        let validation = migrator.validate().await.unwrap();
        println!("{validation}");
        let [finding] = validation.findings() else { panic!("{command}: {validation}") };
        assert!(finding.id.starts_with(source), "{command}");
        let Problem::Differs { object: there, expected: left, found: is } = &finding.problem else {
            panic!("{command}: {validation}")
        };
        assert_eq!(there, object, "{command}");
        assert!(left.contains(expected) && is.contains(found), "{command}: {validation}");

        let health = migrator.health().await.unwrap();
        println!("{health}");
        assert_eq!((health.status(), health.is_ready()), (HealthStatus::Differs, true), "{command}");
        assert_eq!(health.differences(), std::slice::from_ref(finding), "{command}");
    }
}

/// The application may have created it, by writing to it.
#[tokio::test]
async fn i2_a_collection_that_a_late_command_makes_is_a_notice() {
    // One for the records.
    let (db, migrator) = late("module:late-create", "create", 2).await;
    let there = async || db.list_collection_names().await.unwrap().contains(&"tmp".to_owned()).then_some(());
    eventually("the collection", there).await;
    let validation = migrator.validate().await.unwrap();
    assert!(validation.is_valid(), "{validation}");
    let [notice] = validation.notices() else { panic!("{validation}") };
    assert!(matches!(&notice.problem, Problem::Differs { object, .. } if object == "collection 'tmp'"), "{validation}");
}

/// The reply comes after the lease is lost, so a successor may have run before. The error names the operation.
#[tokio::test]
async fn i2_an_operation_that_is_answered_after_the_lease_was_lost_is_named() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.create_index(mongodb::IndexModel::builder().keys(doc! { "email": 1 }).build()).await.unwrap();
    let port = servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Any(0..=0), Lost::Reply).await;
    let app_name = format!("{}_cut_off", db.name());
    let uri = format!("{}&appName={app_name}", proxy.uri());
    // So that the network is cut before the reply arrives.
    let slow = doc! {
        "failCommands": ["dropIndexes"], "blockConnection": true, "blockTimeMS": 1_000, "appName": &app_name
    };
    let _slow = FailPoint::times(1, &db, slow).await;
    let cut_off = migrator(Client::with_uri_str(&uri).await.unwrap().database(db.name()), "module:late-drop-index");
    let run = tokio::spawn(cut_off.up().into_future());
    let sent = async || proxy.commands().contains(&"dropIndexes".to_owned()).then_some(());
    eventually("the operation to be sent", sent).await;
    proxy.cut();
    let dropped = async || (users.list_index_names().await.unwrap() == ["_id_"]).then_some(());
    eventually("its effect", dropped).await;
    let observer = migrator(db.database().clone(), "module:late-drop-index");
    eventually("the end of the lease", async || {
        let status = observer.status().await.unwrap();
        status.holder().is_some_and(|holder| holder.expired).then_some(())
    })
    .await;
    proxy.mend();
    let error = run.await.unwrap().unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::LeaseLost { .. }), "{error:?}");
    let note = "drop index 'email_1' on 'users' took effect after the lease was lost: run `validate`";
    assert!(error.to_string().contains(note), "{error}");
    assert!(error.report().unwrap().warnings().contains(&note.to_owned()), "{error:?}");
}
