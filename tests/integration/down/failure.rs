//! A `down` that fails, is stopped, or dies.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migration::{Direction, State};
use mongrate::report::Remains;
use mongrate::{Error, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, documents, history, lease_is_free, migrator, record, status, tell, told, untell};

const STOCK: &str = "module:down-fails:001_stock";
const RAW: &str = "module:down-fails:002_raw";
const LAST: &str = "module:down-fails:003_last";

#[migration(id = "001_stock", source = "module:down-fails", down = stock_down)]
async fn stock(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("stock").insert_one(doc! { "_id": "pens", "count": 1 }).await?;
    Ok(())
}

async fn stock_down(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("stock").delete_many(doc! {}).await?;
    anyhow::ensure!(!told(tx, "fail").await?, "the pens are needed");
    Ok(())
}

#[migration(id = "002_raw", source = "module:down-fails", deps = ["module:down-fails:001_stock"], down = raw_down)]
async fn raw(db: &Database) -> Result<(), mongodb::error::Error> {
    let raw = db.collection::<Document>("raw");
    raw.update_one(doc! { "_id": 1 }, doc! { "$set": { "half": false } }).upsert(true).await.map(drop)
}

async fn raw_down(db: &Database) -> Result<(), anyhow::Error> {
    let raw = db.collection::<Document>("raw");
    raw.update_one(doc! { "_id": 1 }, doc! { "$set": { "half": true } }).await?;
    let fail = db.collection::<Document>("told").find_one(doc! { "_id": "fail raw" }).await?;
    anyhow::ensure!(fail.is_none(), "on request");
    raw.delete_one(doc! { "_id": 1 }).await?;
    Ok(())
}

#[migration(id = "003_last", source = "module:down-fails", deps = ["module:down-fails:002_raw"], down = last_down)]
async fn last(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("last").insert_one(doc! { "_id": 1 }).await?;
    Ok(())
}

async fn last_down(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("last").delete_one(doc! { "_id": 1 }).await?;
    Ok(())
}

/// Rolled back, so the migration stays applied. The report includes the earlier reverts.
#[tokio::test]
async fn i6_a_down_fails_in_a_transaction() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:down-fails").build().unwrap();
    migrator.up().await.unwrap();
    tell(&db, "fail").await;
    let error = migrator.down().steps(3).by("ana").await.unwrap_err();
    println!("{error}\n{}", error.report().unwrap());
    let Error::Failed { id, direction: Direction::Down, remains: Remains::Nothing, report, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(id, STOCK);
    assert_eq!(report.reverted().map(|execution| execution.id.as_str()).collect::<Vec<_>>(), [LAST, RAW]);
    assert_eq!(
        error.to_string(),
        "reverting 'module:down-fails:001_stock' failed: the pens are needed. Nothing is reverted"
    );

    assert_eq!(count(&db, "stock", doc! {}).await, 1);
    let stored = record(&db, STOCK).await.unwrap();
    assert_eq!(stored.get_str("status").unwrap(), "completed");
    assert_eq!(stored.get_str("error").unwrap(), "the pens are needed");
    assert_eq!(history(&db, STOCK).await, ["completed", "failed"]);
    assert!(lease_is_free(&db).await);
    assert_eq!(migrator.status().await.unwrap().state(STOCK), Some(State::Completed));

    untell(&db, "fail").await;
    assert_eq!(migrator.down().await.unwrap().reverted().count(), 1);
    assert_eq!(count(&db, "stock", doc! {}).await, 0);
    assert_eq!(history(&db, STOCK).await, ["completed", "failed", "rolled-back"]);
    assert!(record(&db, STOCK).await.unwrap().get("error").is_none());
}

/// Partially reverted: pending, and revertible, too.
#[tokio::test]
async fn i6_a_down_fails_outside_a_transaction() {
    for again in ["down", "up"] {
        let db = TestDb::new().await;
        let migrator = migrator(&db, "module:down-fails").build().unwrap();
        migrator.up().only(RAW).await.unwrap();
        tell(&db, "fail raw").await;
        let error = migrator.down().await.unwrap_err();
        println!("{error}");
        let Error::Failed { direction: Direction::Down, remains: Remains::Repeatable, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(documents(&db, "raw").await, [doc! { "_id": 1, "half": true }]);
        let stored = record(&db, RAW).await.unwrap();
        assert_eq!((stored.get_str("status").unwrap(), stored.get_str("direction").unwrap()), ("failed", "down"));
        assert_eq!(history(&db, RAW).await, ["completed", "failed"]);

        untell(&db, "fail raw").await;
        if again == "down" {
            assert_eq!(migrator.down().await.unwrap().reverted().count(), 1);
            assert_eq!(count(&db, "raw", doc! {}).await, 0);
            assert_eq!(status(&db, RAW).await, "rolled-back");
        } else {
            assert_eq!(migrator.up().only(RAW).await.unwrap().applied().count(), 1);
            assert_eq!(documents(&db, "raw").await, [doc! { "_id": 1, "half": false }]);
            assert_eq!(status(&db, RAW).await, "completed");
        }
        assert_eq!(status(&db, STOCK).await, "completed");
    }
}

/// Neither applied nor pending until it is marked.
#[tokio::test]
async fn i3_a_mark_resolves_a_partial_revert() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:down-fails").build().unwrap();
    migrator.up().only(RAW).await.unwrap();
    tell(&db, "fail raw").await;
    migrator.down().await.unwrap_err();
    let error = migrator.mark_pending([STOCK]).await.unwrap_err();
    assert!(
        matches!(&error, Error::DependentsApplied { id: STOCK, dependents, .. } if dependents == &[RAW]),
        "{error}"
    );

    migrator.mark_pending([RAW]).because("put back by hand").await.unwrap();
    let stored = record(&db, RAW).await.unwrap();
    assert_eq!((stored.get_str("status").unwrap(), stored.get("error")), ("rolled-back", None));
    assert!(migrator.validate().await.unwrap().is_valid());
    let reverted = migrator.down().await.unwrap();
    assert_eq!(reverted.reverted().map(|execution| &*execution.id).collect::<Vec<_>>(), [STOCK]);
}

#[migration(id = "001_mixed", source = "module:down-mixed", down = raw_down)]
async fn mixed(tx: &mut Tx) -> Result<(), anyhow::Error> {
    anyhow::ensure!(!told(tx, "fail up").await?, "not now");
    tx.collection::<Document>("raw")
        .update_one(doc! { "_id": 1 }, doc! { "$set": { "half": false } })
        .with(|a| a.upsert(true))
        .await?;
    Ok(())
}

/// An `up` that was rolled back has changed nothing of that.
#[tokio::test]
async fn a_partial_revert_remains_when_its_up_is_rolled_back() {
    const MIXED: &str = "module:down-mixed:001_mixed";
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:down-mixed").build().unwrap();
    migrator.up().await.unwrap();
    tell(&db, "fail raw").await;
    migrator.down().await.unwrap_err();
    untell(&db, "fail raw").await;
    tell(&db, "fail up").await;
    let Err(Error::Failed { direction: Direction::Up, remains: Remains::Nothing, .. }) = migrator.up().await else {
        panic!("no failure")
    };
    let stored = record(&db, MIXED).await.unwrap();
    assert_eq!((stored.get_str("status").unwrap(), stored.get_str("direction").unwrap()), ("failed", "down"));
    assert_eq!(stored.get_str("error").unwrap(), "not now");
    assert_eq!((stored.get_i64("batch").unwrap(), stored.get_i64("attempts").unwrap()), (1, 3));
    assert_eq!(migrator.history().await.unwrap().entries[0].batch, Some(2));
    assert_eq!(migrator.down().await.unwrap().reverted().count(), 1);
    assert_eq!(status(&db, MIXED).await, "rolled-back");
    assert_eq!(count(&db, "raw", doc! {}).await, 0);
}

#[tokio::test]
async fn without_transactions_a_failed_down_is_partial() {
    let db = TestDb::standalone().await;
    let migrator = migrator(&db, "module:down-fails").build().unwrap();
    migrator.up().only(STOCK).await.unwrap();
    tell(&db, "fail").await;
    let error = migrator.down().await.unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::Partial { direction: Direction::Down, .. }), "{error}");
    untell(&db, "fail").await;
    let error = migrator.down().await.unwrap_err();
    println!("{error}");
    assert!(matches!(&error, Error::PartiallyApplied { ids } if ids == &[STOCK]), "{error}");
    assert!(matches!(migrator.up().await.unwrap_err(), Error::PartiallyApplied { .. }));
    assert_eq!(migrator.down().only(STOCK).await.unwrap().reverted().count(), 1);
    assert_eq!(status(&db, STOCK).await, "rolled-back");
}

/// Migrations that a run selected do not count as named.
#[tokio::test]
async fn without_transactions_a_partial_down_is_reverted_only_by_name() {
    let db = TestDb::standalone().await;
    let migrator = migrator(&db, "module:down-fails").build().unwrap();
    migrator.up().only(STOCK).await.unwrap();
    tell(&db, "fail").await;
    let (one, other) = tokio::join!(migrator.down(), migrator.down());
    let errors = [one.unwrap_err(), other.unwrap_err()];
    assert_eq!(errors.iter().filter(|error| matches!(error, Error::Partial { .. })).count(), 1, "{errors:?}");
    assert_eq!(errors.iter().filter(|error| matches!(error, Error::PartiallyApplied { .. })).count(), 1, "{errors:?}");
    assert_eq!(history(&db, STOCK).await, ["completed", "failed"]);
}
