//! Selecting databases.

use mongodb::bson::doc;
use mongrate::migrator::DatabaseFilter;
use mongrate::options::Names;
use mongrate::{Error, Migrator, Registry};
use mongrate_tests::stored::{collections, steps};
use mongrate_tests::{FailPoint, TestDb};

use super::{existing, for_each, over};

#[tokio::test]
async fn named_databases_need_not_exist_and_are_not_listed() {
    let db = TestDb::new().await;
    let [there] = existing(&db, ["there"]).await;
    let (new, other) = (db.tenant("new"), existing(&db, ["other"]).await);
    let _ = db.commands().take();
    let named = DatabaseFilter::named([there.name(), new.name(), there.name()]);
    let tenants = over(&db, named, "module:tenants").await.unwrap().into_result().unwrap();
    assert_eq!(tenants.keys().collect::<Vec<_>>(), [new.name(), there.name()]);
    assert!(!db.commands().count().contains_key("listDatabases"));
    assert_eq!(steps(&there).await, ["a", "b"]);
    assert_eq!(steps(&new).await, ["a", "b"]);
    assert_eq!(collections(&other[0]).await, ["told"]);
}

#[tokio::test]
async fn a_predicate_never_selects_the_servers_own_databases() {
    let db = TestDb::new().await;
    let [red, blue] = existing(&db, ["red", "blue"]).await;
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (seen, wanted) = (asked.clone(), red.name().to_owned());
    let matching = DatabaseFilter::matching(move |name| {
        seen.lock().unwrap().push(name.to_owned());
        name == wanted
    });
    let tenants = over(&db, matching, "module:tenants").await.unwrap().into_result().unwrap();
    assert_eq!(tenants.keys().collect::<Vec<_>>(), [red.name()]);
    assert_eq!(steps(&red).await, ["a", "b"]);
    assert_eq!(collections(&blue).await, ["told"]);
    let asked = asked.lock().unwrap();
    assert!(asked.contains(&blue.name().to_owned()));
    // Each of these three is on every server of a replica set.
    assert!(!asked.iter().any(|name| ["admin", "config", "local"].contains(&name.as_str())), "{asked:?}");
}

/// On a server of its own, for it means the databases of all other tests, too.
#[tokio::test]
async fn all_excludes_the_servers_own_databases() {
    let server = mongrate_tests::servers::builder().start().await.unwrap();
    let client = server.client().await.unwrap();
    let [one, two] = ["one", "two"].map(|name| client.database(name));
    for db in [&one, &two] {
        mongrate_tests::stored::tell(db, "something").await;
    }
    let there = client.list_database_names().await.unwrap();
    assert_eq!(there, ["admin", "config", "local", "one", "two"]);
    let registry = Registry::linked().source("module:tenants");
    let all = Migrator::for_each(client.clone(), DatabaseFilter::all());
    let all = all.options(move |builder| builder.registry(registry.clone()).names(Names::prefixed("m")));
    let tenants = all.await.unwrap().into_result().unwrap();
    assert_eq!(tenants.keys().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(steps(&two).await, ["a", "b"]);
    for name in ["admin", "config"] {
        let names = client.database(name).list_collection_names().await.unwrap();
        assert!(!names.iter().any(|name| name.starts_with("m_") || name == "steps"), "{names:?}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn the_servers_own_databases_cannot_be_named() {
    let db = TestDb::new().await;
    let new = db.tenant("new");
    for name in ["admin", "config", "local"] {
        let error = over(&db, DatabaseFilter::named([new.name(), name]), "module:tenants").await.unwrap_err();
        assert!(matches!(error, Error::ReservedDatabase { .. }), "{error}");
        assert!(error.to_string().contains(&format!("the database '{name}' belongs to the server")), "{error}");
    }
    assert!(db.commands().take().is_empty());
    assert!(collections(&new).await.is_empty());
}

#[tokio::test]
async fn an_empty_prefix_is_refused() {
    let db = TestDb::new().await;
    let error = over(&db, DatabaseFilter::prefix(""), "module:tenants").await.unwrap_err();
    assert!(error.to_string().contains("use `DatabaseFilter::all()`"), "{error}");
    assert!(db.commands().take().is_empty());
}

#[tokio::test]
async fn an_empty_selection_is_reported() {
    let db = TestDb::new().await;
    let tenants = for_each(&db, "module:tenants").await.unwrap();
    assert!(tenants.is_empty() && tenants.is_ok());
    assert_eq!(tenants.to_string(), "No database matches.");
}

#[tokio::test]
async fn an_invalid_name_fails_only_that_database() {
    let db = TestDb::new().await;
    let good = db.tenant("good");
    let named = DatabaseFilter::named([good.name(), "", "a.b", "a b"]);
    let tenants = over(&db, named, "module:tenants").await.unwrap();
    println!("{tenants}");
    assert_eq!(tenants.failed().map(|(name, _)| name).collect::<Vec<_>>(), ["", "a b", "a.b"]);
    assert_eq!(steps(&good).await, ["a", "b"]);
}

#[tokio::test]
async fn a_failure_to_list_databases_is_an_error() {
    let db = TestDb::new().await;
    existing(&db, ["ana"]).await;
    let fault = FailPoint::always(&db, doc! { "failCommands": ["listDatabases"], "errorCode": 13 }).await;
    let error = for_each(&db, "module:tenants").await.unwrap_err();
    drop(fault);
    println!("{error}");
    assert!(matches!(error, Error::NotAuthorized { .. }), "{error}");
    assert!(error.to_string().contains("list the databases"), "{error}");
}

#[tokio::test]
async fn invalid_migrations_are_reported_once() {
    let db = TestDb::new().await;
    existing(&db, ["ana", "bob"]).await;
    let _ = db.commands().take();
    let error = for_each(&db, "module:not-there").await.unwrap_err();
    assert!(matches!(error, Error::UnknownSource { .. }), "{error}");
    assert!(db.commands().take().is_empty());
}
