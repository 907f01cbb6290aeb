//! Limits of a dry run, which is one transaction for all bodies.

use std::time::Duration;

use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
use mongrate::report::Outcome;
use mongrate::{Error, Schema, Tx, migration};
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::stored::migrator;
use mongrate_tests::{TestDb, servers};
use tokio::sync::OnceCell;
use tokio::time::sleep;

use super::{of, reason, rehearsed, would_apply};

#[migration(id = "001_quick", source = "module:dry-slow")]
async fn quick(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("effects").insert_one(doc! { "_id": 1 }).await?;
    Ok(())
}

#[migration(id = "002_slow", source = "module:dry-slow")]
async fn slow(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("effects").insert_one(doc! { "_id": 2 }).await?;
    // Without an operation after it, which would find out.
    sleep(Duration::from_secs(3)).await;
    Ok(())
}

#[migration(id = "003_index", source = "module:dry-slow")]
async fn index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("effects", doc! { "a": 1 }).await
}

#[migration(id = "004_after", source = "module:dry-slow")]
async fn after(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("effects").insert_one(doc! { "_id": 4 }).await?;
    Ok(())
}

/// Transactions may take a second here.
async fn impatient() -> &'static Mongod {
    static SERVER: OnceCell<Mongod> = OnceCell::const_new();
    let start = async || servers::builder().set_parameter("transactionLifetimeLimitSeconds", 1).start().await.unwrap();
    SERVER.get_or_init(start).await
}

#[tokio::test]
async fn a_dry_run_that_is_too_slow_ends_the_simulation() {
    let db = TestDb::on(impatient().await).await;
    let report = rehearsed(&db, migrator(&db, "module:dry-slow").build().unwrap().up()).await.unwrap();
    assert!(would_apply(&report, "001_quick") && would_apply(&report, "003_index"));
    for name in ["002_slow", "004_after"] {
        let reason = reason(&report, name);
        assert!(reason.contains("lasted longer than transactionLifetimeLimitSeconds"), "{reason}");
        assert!(reason.contains("Apply the earlier migrations, then try again"), "{reason}");
    }
    let end = "Dry run: 2 would be applied, 2 could not be simulated; nothing was changed.";
    assert!(report.to_string().ends_with(end), "{report}");
}

#[tokio::test]
async fn a_body_that_is_too_slow_fails_as_in_a_real_run() {
    let db = TestDb::on(impatient().await).await;
    let up = migrator(&db, "module:dry-slow").build().unwrap().up().only("module:dry-slow:002_slow");
    let error = rehearsed(&db, up).await.unwrap_err();
    let Error::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::TransactionTooSlow { .. })), "{error}");
}

#[migration(id = "001_small", source = "module:dry-large")]
async fn small(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("effects").insert_one(doc! { "_id": 1 }).await?;
    Ok(())
}

#[migration(id = "002_large", source = "module:dry-large")]
async fn large(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let effects = tx.collection::<Document>("effects");
    let filling = Binary { subtype: BinarySubtype::Generic, bytes: vec![7; 8_000_000] };
    for _ in 0..60 {
        effects.insert_one(doc! { "filling": filling.clone() }).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_dry_run_that_is_too_large_ends_the_simulation() {
    if servers::skip_before(6, "it reports a transaction that is too large as a write conflict").await {
        return;
    }
    let server = servers::builder().start().await.unwrap();
    let db = TestDb::on(&server).await;
    let report = rehearsed(&db, migrator(&db, "module:dry-large").build().unwrap().up()).await.unwrap();
    assert!(matches!(of(&report, "001_small").outcome, Outcome::WouldApply));
    assert!(reason(&report, "002_large").contains("grew too large for its cache"));
}
