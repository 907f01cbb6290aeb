//! Every operation of the driver that a transaction takes, with the driver's options.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;
use mongrate::context::TxCollection;
use mongrate::report::Counts;
use mongrate::{Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, documents, migrator, record, status};

#[migration(id = "001_all", source = "module:tx-operations")]
async fn all(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    things.insert_one(doc! { "_id": 0, "n": 0 }).await?;
    let many = things.insert_many((1..=9).map(|n| doc! { "_id": n, "n": n })).await?;
    assert_eq!(many.inserted_ids.len(), 9);
    writes(&things).await?;
    finds_and_writes(&things).await?;
    reads(&things).await
}

async fn writes(things: &TxCollection<Document>) -> Result<(), anyhow::Error> {
    let increment = doc! { "$inc": { "n": 100 } };
    assert_eq!(things.update_one(doc! { "_id": 1 }, increment.clone()).await?.modified_count, 1);
    assert_eq!(things.update_many(doc! { "_id": { "$in": [2, 3] } }, increment).await?.modified_count, 2);
    // A pipeline is an update, too.
    let doubled = vec![doc! { "$set": { "n": { "$multiply": ["$n", 2] } } }];
    assert_eq!(things.update_one(doc! { "_id": 1 }, doubled).await?.modified_count, 1);
    assert_eq!(things.replace_one(doc! { "_id": 4 }, doc! { "replaced": true }).await?.modified_count, 1);
    assert_eq!(things.delete_one(doc! { "_id": 5 }).await?.deleted_count, 1);
    assert_eq!(things.delete_many(doc! { "_id": { "$in": [6, 7] } }).await?.deleted_count, 2);
    Ok(())
}

async fn finds_and_writes(things: &TxCollection<Document>) -> Result<(), anyhow::Error> {
    let set = doc! { "$set": { "found": true } };
    let before = things.find_one_and_update(doc! { "_id": 2 }, set.clone()).await?;
    assert_eq!(before, Some(doc! { "_id": 2, "n": 102 }));
    let after = things
        .find_one_and_update(doc! { "_id": 3 }, set)
        .with(|action| action.return_document(ReturnDocument::After).projection(doc! { "n": 0 }))
        .await?;
    assert_eq!(after, Some(doc! { "_id": 3, "found": true }));
    let replaced = things.find_one_and_replace(doc! { "_id": 8 }, doc! { "eight": true }).await?;
    assert_eq!(replaced, Some(doc! { "_id": 8, "n": 8 }));
    assert_eq!(things.find_one_and_delete(doc! { "_id": 9 }).await?, Some(doc! { "_id": 9, "n": 9 }));
    assert_eq!(things.find_one_and_delete(doc! { "_id": 9 }).await?, None);
    let upserted = things
        .update_one(doc! { "_id": 10 }, doc! { "$set": { "n": 10 } })
        .with(|action| action.upsert(true).comment("seed"))
        .await?;
    assert_eq!(upserted.upserted_id, Some(Bson::Int32(10)));
    Ok(())
}

/// Everything that was written before is seen from inside.
async fn reads(things: &TxCollection<Document>) -> Result<(), anyhow::Error> {
    assert_eq!(things.count_documents(doc! {}).await?, 7);
    assert_eq!(things.count_documents(doc! {}).with(|action| action.limit(3)).await?, 3);
    assert_eq!(things.distinct("_id", doc! { "found": true }).await?, [Bson::Int32(2), Bson::Int32(3)]);
    let largest = things.find_one(doc! {}).with(|action| action.sort(doc! { "n": -1 })).await?;
    assert_eq!(largest, Some(doc! { "_id": 1, "n": 202 }));
    let sorted = things.find(doc! {}).with(|action| action.sort(doc! { "_id": -1 }).limit(2)).await?.collect().await?;
    assert_eq!(sorted, [doc! { "_id": 10, "n": 10 }, doc! { "_id": 8, "eight": true }]);
    let group = doc! { "$group": { "_id": null, "sum": { "$sum": "$n" } } };
    let summed = things.aggregate([group]).with(|action| action.allow_disk_use(true)).await?.collect().await?;
    assert_eq!(summed, [doc! { "_id": null, "sum": 417 }]);
    Ok(())
}

#[tokio::test]
async fn every_operation_takes_effect_with_its_options() {
    let db = TestDb::new().await;
    let report = migrator(&db, "module:tx-operations").build().unwrap().up().await.unwrap();
    assert_eq!(
        documents(&db, "things").await,
        [
            doc! { "_id": 0, "n": 0 },
            doc! { "_id": 1, "n": 202 },
            doc! { "_id": 2, "n": 102, "found": true },
            doc! { "_id": 3, "n": 103, "found": true },
            doc! { "_id": 4, "replaced": true },
            doc! { "_id": 8, "eight": true },
            doc! { "_id": 10, "n": 10 },
        ]
    );

    // The report tells what was done, with the counts.
    let operations = &report.executions().next().unwrap().operations;
    let kinds: Vec<_> = operations.iter().map(|operation| operation.kind).collect();
    assert_eq!(kinds.len(), 20);
    let counted = |kind: &str| operations.iter().find(|operation| operation.kind == kind).unwrap().counts;
    assert_eq!(counted("insert_many"), counts(0, 0, 9, 0));
    assert_eq!(counted("update_many"), counts(2, 2, 0, 0));
    assert_eq!(counted("delete_many"), counts(0, 0, 0, 2));
    assert_eq!(counted("count_documents"), counts(7, 0, 0, 0));
    for operation in operations {
        println!("{operation}");
    }
}

fn counts(matched: u64, modified: u64, inserted: u64, deleted: u64) -> Counts {
    let mut counts = Counts::default();
    (counts.matched, counts.modified, counts.inserted, counts.deleted) = (matched, modified, inserted, deleted);
    counts
}

#[migration(id = "001_merges", source = "module:tx-merge")]
async fn merges(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    things.insert_one(doc! {}).await?;
    things.aggregate([doc! { "$merge": { "into": "copies" } }]).await?;
    Ok(())
}

#[migration(id = "001_outs", source = "module:tx-out")]
async fn outs(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("things").aggregate([doc! { "$facet": { "a": [{ "$out": "copies" }] } }]).await?;
    Ok(())
}

#[tokio::test]
async fn stages_that_write_are_refused_with_an_alternative() {
    for (source, id) in [("module:tx-merge", "001_merges"), ("module:tx-out", "001_outs")] {
        let db = TestDb::new().await;
        let error = migrator(&db, source).build().unwrap().up().await.unwrap_err();
        println!("{error}");
        assert!(error.to_string().contains("cannot run in a transaction"), "{error}");
        assert!(!db.commands().count().contains_key("aggregate"));
        assert_eq!(count(&db, "things", doc! {}).await + count(&db, "copies", doc! {}).await, 0);
        let id = format!("{source}:{id}");
        assert_eq!(status(&db, &id).await, "failed");
        let told = record(&db, &id).await.unwrap().get_str("error").unwrap().to_owned();
        assert!(told.starts_with('`'), "{told}");
    }
}
