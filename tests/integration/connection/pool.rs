//! A body that uses all connections of the pool, and the heartbeats of the lease.

use std::time::Duration;

use futures_util::future::try_join_all;
use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::migrator::DatabaseFilter;
use mongrate::{Error, Migrator, MigratorBuilder, Registry, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, lease_is_free, migrator, status};

use super::options;

/// Longer than the driver's pool is wide.
const CALLS: usize = 12;

/// Lost after three quarters of it without a heartbeat. Each call takes longer than that.
const LEASE: Duration = Duration::from_secs(4);

/// A server call of some seconds.
async fn slow(db: &Database) -> Result<(), mongodb::error::Error> {
    let slow = doc! { "$where": "function() { sleep(5000); return true; }" };
    db.collection::<Document>("one").find_one(slow).await?;
    Ok(())
}

#[migration(id = "001_wide", source = "module:pool-wide")]
async fn wide(db: &Database) -> Result<(), mongodb::error::Error> {
    try_join_all((0..CALLS).map(|_| slow(db))).await?;
    db.collection::<Document>("effects").insert_one(doc! {}).await?;
    Ok(())
}

#[migration(id = "001_tenant", source = "module:pool-tenant")]
async fn tenant(db: &Database) -> Result<(), mongodb::error::Error> {
    slow(db).await?;
    db.collection::<Document>("effects").insert_one(doc! {}).await?;
    Ok(())
}

async fn one_document(db: &Database) {
    db.collection::<Document>("one").insert_one(doc! {}).await.unwrap();
}

async fn keeps_its_lease(db: &TestDb, builder: MigratorBuilder) {
    one_document(db).await;
    let registry = Registry::linked().source("module:pool-wide");
    builder.registry(registry).lease(LEASE).build().unwrap().up().await.unwrap();
    assert_eq!(count(db, "effects", doc! {}).await, 1);
    assert_eq!(status(db, "module:pool-wide:001_wide").await, "completed");
    assert!(lease_is_free(db).await);
}

#[tokio::test]
async fn i6_a_body_that_uses_all_connections_keeps_its_lease() {
    let db = TestDb::new().await;
    let (options, _) = options(&db, "").await;
    keeps_its_lease(&db, Migrator::connect_with(options, db.name()).unwrap()).await;
}

#[tokio::test]
async fn i6_a_body_that_uses_all_connections_keeps_its_lease_with_a_lease_client() {
    let db = TestDb::new().await;
    let (mut options, _) = options(&db, "").await;
    options.max_pool_size = Some(2);
    let lease = Client::with_options(options).unwrap();
    keeps_its_lease(&db, migrator(&db, "module:pool-wide").lease_client(lease)).await;
}

#[tokio::test]
async fn i6_without_a_lease_client_the_error_suggests_one() {
    let db = TestDb::new().await;
    one_document(&db).await;
    let error = migrator(&db, "module:pool-wide").lease(LEASE).build().unwrap().up().await.unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::LeaseLost { shared_pool: true, .. }), "{error}");
    for named in ["Migrator::connect", "lease_client", "maxPoolSize"] {
        assert!(error.to_string().contains(named), "{error}");
    }
    // Whatever else it did, it is not on record as applied.
    assert_ne!(status(&db, "module:pool-wide:001_wide").await, "completed");
}

#[tokio::test]
async fn i6_many_databases_keep_their_leases() {
    const TENANTS: usize = 16;
    let db = TestDb::new().await;
    let (options, _) = options(&db, "").await;
    let tenants: Vec<_> = (0..TENANTS).map(|tenant| db.tenant(&tenant.to_string())).collect();
    for tenant in &tenants {
        one_document(tenant).await;
    }
    let filter = DatabaseFilter::named(tenants.iter().map(Database::name));
    let registry = Registry::linked().source("module:pool-tenant");
    let run = Migrator::for_each_with(options, filter).concurrency(TENANTS);
    let run = run.options(move |builder| builder.registry(registry.clone()).lease(LEASE));
    run.await.unwrap().into_result().unwrap();
    for tenant in &tenants {
        assert_eq!(count(tenant, "effects", doc! {}).await, 1);
        assert!(lease_is_free(tenant).await);
    }
}
