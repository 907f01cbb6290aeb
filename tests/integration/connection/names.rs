//! Invalid database names are refused everywhere, before anything is sent to the server.

use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use mongrate::migrator::DatabaseFilter;
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, step, steps};

#[migration(id = "001_a", source = "module:names")]
async fn a(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    step(tx, "a").await
}

/// What each entrance makes of a name.
async fn entrances(db: &TestDb, name: &str) -> Vec<(&'static str, Error)> {
    let registry = || Registry::linked().source("module:names");
    let options = ClientOptions::parse(db.uri()).await.unwrap();
    let brought = || db.client().database(name);
    let mut refused = vec![
        ("connect", Migrator::connect(db.uri(), name).await.map(drop).unwrap_err()),
        ("connect_with", Migrator::connect_with(options.clone(), name).map(drop).unwrap_err()),
        ("build", Migrator::builder(brought()).build().map(drop).unwrap_err()),
        ("up", Migrator::new(brought()).up().await.map(drop).unwrap_err()),
        ("status", Migrator::new(brought()).status().await.map(drop).unwrap_err()),
        ("boot", Migrator::boot(brought()).await.map(drop).unwrap_err()),
    ];
    for (way, tenants) in [
        ("for_each", Migrator::for_each(db.client().clone(), DatabaseFilter::named([name]))),
        ("for_each_at", Migrator::for_each_at(db.uri(), DatabaseFilter::named([name]))),
        ("for_each_with", Migrator::for_each_with(options, DatabaseFilter::named([name]))),
    ] {
        match tenants.options(move |builder| builder.registry(registry())).await {
            Ok(tenants) => refused.extend(tenants.into_iter().map(|(_, result)| (way, result.unwrap_err()))),
            Err(error) => refused.push((way, error)),
        }
    }
    refused
}

#[tokio::test]
async fn reserved_names_are_refused_everywhere() {
    let db = TestDb::new().await;
    let admin = db.client().database("admin");
    let before = collections(&admin).await;
    let _ = db.commands().take();
    for name in ["admin", "config", "local", "ADMIN"] {
        for (way, error) in entrances(&db, name).await {
            assert!(matches!(&error, Error::ReservedDatabase { name: told } if told == name), "{way} {name}: {error}");
            assert!(error.to_string().contains("/NAME?authSource=admin"), "{error}");
        }
    }
    assert!(db.commands().take().is_empty());
    assert_eq!(collections(&admin).await, before);
}

#[tokio::test]
async fn invalid_names_are_refused_everywhere() {
    let db = TestDb::new().await;
    for name in ["shop\n", " shop", "sh op", "shop\u{feff}", "", "shop.users", &"x".repeat(64)] {
        for (way, error) in entrances(&db, name).await {
            let text = error.to_string();
            assert!(!text.trim_end().contains("shop\n") && text.contains("1 to 63 bytes"), "{way} {name:?}: {text}");
            assert!(matches!(error, Error::DatabaseName { .. }), "{way} {name:?}: {error:?}");
        }
    }
    assert!(db.commands().take().is_empty());
}

#[tokio::test]
async fn white_space_around_a_connection_string_is_ignored() {
    let db = TestDb::new().await;
    let registry = || Registry::linked().source("module:names");
    let uri = format!(" \t{}\r\n", db.uri());
    Migrator::connect(&uri, db.name()).await.unwrap().registry(registry()).build().unwrap().up().await.unwrap();
    let tenant = db.tenant("one");
    let tenants = Migrator::for_each_at(uri, DatabaseFilter::named([tenant.name()]));
    tenants.options(move |builder| builder.registry(registry())).await.unwrap().into_result().unwrap();
    for db in [db.database(), &tenant] {
        assert_eq!(steps(db).await, ["a"]);
    }
}

/// The path is the authentication database. The database to migrate is a separate argument.
#[tokio::test]
async fn the_path_may_be_admin_if_another_database_is_named() {
    let db = TestDb::new().await;
    let uri = db.uri().replacen("/?", "/admin?", 1);
    let builder = Migrator::connect(uri, db.name()).await.unwrap();
    builder.registry(Registry::linked().source("module:names")).build().unwrap().up().await.unwrap();
    assert_eq!(steps(&db).await, ["a"]);
    assert_eq!(db.collection::<Document>("migrations").count_documents(doc! {}).await.unwrap(), 1);
}
