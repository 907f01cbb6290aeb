//! `MONGRATE_AUTO=false`: nothing is applied, one read tells whether anything would be.

use mongodb::bson::{Document, doc};
use mongrate::options::Policy;
use mongrate::{Error, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, fingerprint, migrator, step, steps};

use super::variables;

#[migration(id = "001_first", source = "module:boot-check")]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

#[migration(id = "002_second", source = "module:boot-check")]
async fn second(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "second").await?)
}

#[migration(id = "003_by_hand", source = "module:boot-check", manual)]
async fn by_hand(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "by hand").await?)
}

#[migration(id = "004_waits", source = "module:boot-check", deps = ["module:boot-check:003_by_hand"])]
async fn waits(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "waits").await?)
}

#[tokio::test]
async fn i4_pending_migrations_are_listed_but_not_applied() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:boot-check");
    let environment = variables([("MONGRATE_AUTO", "false")]);
    let error = builder.clone().boot().variables(environment.clone()).await.unwrap_err();
    assert_eq!(db.commands().take(), ["find"]);
    assert!(collections(&db).await.is_empty());
    let Error::Pending { ids } = &error else { panic!("{error}") };
    assert_eq!(ids, &["module:boot-check:001_first", "module:boot-check:002_second"]);
    assert_eq!(
        error.to_string(),
        "2 migrations are pending: module:boot-check:001_first, module:boot-check:002_second. Apply pending migrations \
         before this program starts, or set MONGRATE_AUTO=true"
    );

    builder.clone().build().unwrap().up().only("module:boot-check:001_first").await.unwrap();
    let error = builder.boot().variables(environment).await.unwrap_err();
    assert!(error.to_string().starts_with("1 migration is pending: module:boot-check:002_second. "), "{error}");
    assert_eq!(steps(&db).await, ["first"]);
}

#[tokio::test]
async fn i4_blocked_migrations_are_not_pending() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:boot-check");
    builder.clone().build().unwrap().up().await.unwrap();
    let before = fingerprint(&db).await;
    let _ = db.commands().take();
    let booted = builder.boot().variables(variables([("MONGRATE_AUTO", "false")])).await.unwrap();
    assert_eq!(db.commands().take(), ["find"]);
    assert_eq!(fingerprint(&db).await, before);
    let report = booted.report().unwrap();
    assert!(report.is_empty());
    assert!(report.warnings().iter().any(|warning| warning.contains("004_waits")), "{report}");
    assert_eq!(steps(&db).await, ["first", "second"]);
}

#[tokio::test]
async fn drift_follows_the_policy() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:boot-check");
    builder.clone().build().unwrap().up().await.unwrap();
    let records = db.collection::<Document>("migrations");
    let changed = doc! { "$set": { "checksum": "t2:0" } };
    records.update_one(doc! { "_id": "module:boot-check:001_first" }, changed).await.unwrap();
    let environment = variables([("MONGRATE_AUTO", "no")]);
    let booted = builder.clone().boot().variables(environment.clone()).await.unwrap();
    assert!(booted.report().unwrap().warnings()[0].contains("001_first"), "{booted}");
    let error = builder.drift(Policy::Error).boot().variables(environment).await.unwrap_err();
    assert!(matches!(error, Error::Drift { .. }), "{error}");
}

#[tokio::test]
async fn pending_migrations_are_ignored_on_request() {
    let db = TestDb::new().await;
    let environment = variables([("MONGRATE_AUTO", "0"), ("MONGRATE_FAIL_HARD", "0")]);
    let booted = migrator(&db, "module:boot-check").boot().variables(environment).await.unwrap();
    assert!(matches!(booted.error(), Some(Error::Pending { ids }) if ids.len() == 2), "{booted}");
    assert!(booted.report().is_none());
    assert!(collections(&db).await.is_empty());
}
