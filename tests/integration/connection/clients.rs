//! The clients of runs.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria};
use mongodb::{Client, Database};
use mongrate::migrator::DatabaseFilter;
use mongrate::{Migrator, Registry, migration};
use mongrate_tests::stored::{count, documents, lease_is_free};
use mongrate_tests::{TestDb, eventually};

use super::options;

const NAMED: &str = "module:connection-named";

/// The application names of all connections to the server, idle or not.
async fn connected(client: &Client) -> Vec<String> {
    let stage = doc! { "$currentOp": { "allUsers": true, "idleConnections": true } };
    let found = client.database("admin").aggregate([stage]).await.unwrap();
    let found: Vec<_> = found.try_collect().await.unwrap();
    found.iter().filter_map(|operation| Some(operation.get_str("appName").ok()?.to_owned())).collect()
}

/// Notes the application name under which it runs.
#[migration(id = "001_notes", source = "module:connection-named")]
async fn notes(db: &Database) -> Result<(), mongodb::error::Error> {
    let own = [doc! { "$currentOp": {} }, doc! { "$match": { "command.comment": db.name() } }];
    let admin = db.client().database("admin");
    let found = admin.aggregate(own).comment(db.name());
    // The stage takes no other read concern.
    let found = found.read_concern(ReadConcern::local()).await?;
    let found: Vec<Document> = found.try_collect().await?;
    db.collection::<Document>("names").insert_one(doc! { "name": found[0].get_str("appName").unwrap() }).await?;
    Ok(())
}

#[tokio::test]
async fn a_run_shuts_down_its_own_clients() {
    let db = TestDb::new().await;
    let (options, sent) = options(&db, "").await;
    let migrator = Migrator::connect_with(options, db.name()).unwrap().registry(Registry::linked().source(NAMED));
    let migrator = migrator.build().unwrap();
    migrator.up().await.unwrap();
    let noted = documents(&db, "names").await;
    let name = noted[0].get_str("name").unwrap();
    assert!(name.starts_with(&format!("{} mongrate-", db.app_name())), "{name}");
    eventually("the end of the run's connections", async || {
        let present = connected(db.client()).await;
        (!present.iter().any(|name| name.starts_with(&format!("{} mongrate", db.app_name())))).then_some(())
    })
    .await;

    // Nothing to do any more: one command, and no client but the application's.
    let _ = sent.take();
    migrator.up().await.unwrap();
    assert_eq!(sent.names(), ["find"]);
    let present = connected(db.client()).await;
    assert!(!present.iter().any(|name| name.contains(&format!("{} mongrate", db.app_name()))), "{present:?}");
    assert_eq!(migrator.database().name(), db.name());
    assert_eq!(count(migrator.database(), "names", doc! {}).await, 1);
}

#[tokio::test]
async fn the_applications_handle_follows_the_connection_string() {
    let db = TestDb::new().await;
    let uri = format!("{}&readPreference=nearest&readConcernLevel=local", db.uri());
    let migrator = Migrator::connect(&uri, db.name()).await.unwrap().build().unwrap();
    let nearest = matches!(
        migrator.database().selection_criteria(),
        Some(SelectionCriteria::ReadPreference(ReadPreference::Nearest { .. }))
    );
    assert!(nearest, "{:?}", migrator.database().selection_criteria());
    assert_eq!(migrator.database().read_concern(), Some(&ReadConcern::local()));
    assert!(!format!("{migrator:?}").contains("localhost:"), "{migrator:?}");
}

#[tokio::test]
async fn many_databases_share_the_clients_of_their_runs() {
    let db = TestDb::new().await;
    let (options, _) = options(&db, "").await;
    let tenants = ["ana", "bob", "cyd"].map(|name| db.tenant(name));
    let filter = DatabaseFilter::named(tenants.iter().map(Database::name));
    let run = Migrator::for_each_with(options, filter).options(|builder| {
        let registry = Registry::linked().source(NAMED);
        builder.registry(registry)
    });
    run.await.unwrap().into_result().unwrap();
    for tenant in &tenants {
        let named = documents(tenant, "names").await;
        assert!(named[0].get_str("name").unwrap().contains(" mongrate-"), "{named:?}");
        assert!(lease_is_free(tenant).await);
    }
    eventually("the end of all connections", async || {
        let present = connected(db.client()).await;
        (!present.iter().any(|name| name.starts_with(&format!("{} mongrate", db.app_name())))).then_some(())
    })
    .await;
    let by_uri = Migrator::for_each_at(db.uri(), DatabaseFilter::named([tenants[0].name()]));
    let by_uri = by_uri.options(|builder| builder.registry(Registry::linked().source(NAMED)));
    assert!(by_uri.await.unwrap().get(tenants[0].name()).unwrap().unwrap().is_empty());
}
