//! Bodies that describe no change that a backfill could make. Nothing changes, and the error says what to do.

use mongodb::bson::{Document, doc};
use mongrate::{Backfill, Error, Migrator, Registry, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::count;

const SOURCE: &str = "module:mistaken-backfill";

#[migration(id = "001_nothing", source = "module:mistaken-backfill")]
async fn nothing(_backfill: &mut Backfill) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "002_twice", source = "module:mistaken-backfill")]
async fn twice(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("things").update(doc! { "$set": { "n": 1 } }).await?;
    backfill.collection("others").update(doc! { "$set": { "n": 1 } }).await
}

#[migration(id = "003_replacement", source = "module:mistaken-backfill")]
async fn replacement(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("things").update(doc! { "n": 1 }).await
}

#[migration(id = "004_no_stages", source = "module:mistaken-backfill")]
async fn no_stages(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("things").update(Vec::new()).await
}

#[migration(id = "005_panic", source = "module:mistaken-backfill")]
async fn panic(_backfill: &mut Backfill) -> Result<(), Error> {
    panic!("on a lamp post")
}

#[migration(id = "006_without_id", source = "module:mistaken-backfill")]
async fn without_id(backfill: &mut Backfill) -> Result<(), Error> {
    let change = |_: Document| Ok::<_, Error>(mongrate::context::Change::delete());
    backfill.collection("things").project(doc! { "_id": 0 }).each(change).await
}

#[migration(id = "007_skips_all", source = "module:mistaken-backfill")]
async fn skips_all(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("things").skip_failed(u32::MAX).update(doc! { "$set": { "n": 1 } }).await
}

#[tokio::test]
async fn mistakes_are_explained_and_change_nothing() {
    let db = TestDb::new().await;
    db.collection("things").insert_many([doc! { "_id": 1 }, doc! { "_id": 2 }]).await.unwrap();
    let migrator = Migrator::builder((*db).clone()).registry(Registry::linked().source(SOURCE)).build().unwrap();
    for (id, expected) in [
        (
            "001_nothing",
            "the body describes no change: await `backfill.collection(..)` with `update`, `delete`, `each` or `in_batches`",
        ),
        ("002_twice", "a backfill makes one change of one collection"),
        ("003_replacement", "the update of 'things' does not start with an operator such as `$set`"),
        ("004_no_stages", "the update of 'things' has no stages"),
        ("007_skips_all", "a backfill skips at most 1,000 documents, not 4,294,967,295"),
        ("005_panic", "on a lamp post"),
        ("006_without_id", "the projection leaves out the _id"),
    ] {
        let error = migrator.up().only(format!("{SOURCE}:{id}")).await.unwrap_err();
        println!("{error}\n");
        assert!(matches!(error, Error::Failed { .. }) && error.to_string().contains(expected), "{id}: {error}");
    }
    assert_eq!(count(&db, "things", doc! { "n": { "$exists": false } }).await, 2);
}
