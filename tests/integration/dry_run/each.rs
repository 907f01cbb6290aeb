//! The samples of `update_each`.

use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, migrator};

use super::{of, rehearsed};

#[migration(id = "001_each", source = "module:dry-each")]
async fn each(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let things = tx.collection::<Document>("things");
    let set = |ids: Vec<i32>| ids.into_iter().map(|id| (doc! { "_id": id }, doc! { "$set": { "n": -id } }));
    // One is missing, and one is listed twice.
    things.update_each(set(vec![1, 2, 99, 2])).await?;
    things.update_each(set(vec![200, 3])).with(|action| action.upsert(true)).await?;
    // Only the last of these is there.
    things.update_each(set((1_000..1_150).chain([4]).collect())).await?;
    Ok(())
}

#[tokio::test]
async fn i4_samples_are_those_of_single_updates_and_nothing_stays() {
    let db = TestDb::new().await;
    db.collection("things").insert_many((1..=9).map(|id| doc! { "_id": id, "n": id })).await.unwrap();
    let migrator = migrator(&db, "module:dry-each").build().unwrap();
    let dry = rehearsed(&db, migrator.up()).await.unwrap();
    let operations = &of(&dry, "001_each").operations;
    let samples = |place: usize| -> Vec<_> {
        let samples = operations[place].samples.iter();
        samples.map(|sample| (sample.before.clone(), sample.after.clone())).collect()
    };
    let changed = |id: i32| (Some(doc! { "_id": id, "n": id }), Some(doc! { "_id": id, "n": -id }));
    assert_eq!((samples(0), operations[0].notes.as_slice()), (vec![changed(1), changed(2)], &[][..]));
    assert_eq!((operations[0].counts.matched, operations[0].counts.modified), (3, 2));
    assert_eq!(samples(1), [changed(3), (None, Some(doc! { "_id": 200, "n": -200 }))]);
    assert_eq!(samples(2), []);
    assert!(operations[2].notes[0].contains("its first 100 pairs only"), "{:?}", operations[2].notes);
    assert_eq!(operations[2].counts.modified, 1);

    let real = migrator.up().await.unwrap();
    let told = |report: &mongrate::Report| -> Vec<_> {
        of(report, "001_each").operations.iter().map(|operation| operation.counts).collect()
    };
    assert_eq!(told(&dry), told(&real));
    assert_eq!(count(&db, "things", doc! { "n": { "$lt": 0 } }).await, 5);
}
