//! Writes with options beyond their filter: their samples are correct, or reported as unavailable.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{Collation, CollationStrength};
use mongrate::report::Operation;
use mongrate::{Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{documents, migrator};

use super::{of, rehearsed};

fn caseless() -> Collation {
    Collation::builder().locale("en").strength(CollationStrength::Secondary).build()
}

fn named(name: &str) -> (Document, Document) {
    (doc! { "name": name }, doc! { "$set": { "name": name, "seen": true } })
}

#[migration(id = "001_collated", source = "module:dry-collation")]
async fn collated(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let people = tx.collection::<Document>("people");
    let (ada, seen) = named("ada");
    people.update_many(ada, seen).collation(caseless()).await?;
    let (bob, seen) = named("bob");
    people.update_many(bob, seen).with(|action| action.collation(caseless())).await?;
    let (cy, seen) = named("cy");
    people.find_one_and_update(cy, seen).with(|action| action.collation(caseless())).await?;
    let (dan, seen) = named("dan");
    people.find_one_and_update(dan, seen).with(|action| action.upsert(true)).await?;
    people.delete_many(doc! { "name": "eve" }).collation(caseless()).await?;
    let unset = doc! { "$expr": { "$eq": ["$name", "$$who"] } };
    let change = vec![doc! { "$set": { "seen": true } }];
    people.update_many(unset, change).with(|action| action.let_vars(doc! { "who": "Fay" })).await?;
    Ok(())
}

#[migration(id = "002_not_a_number", source = "module:dry-collation")]
async fn not_a_number(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let numbers = tx.collection::<Document>("numbers");
    numbers.update_many(doc! { "n": 1 }, doc! { "$set": { "n": 1_i64 } }).await?;
    numbers.update_many(doc! { "n": f64::NAN }, doc! { "$set": { "m": 1 } }).await?;
    Ok(())
}

/// Names before and after.
type Names = Vec<(Option<String>, Option<String>)>;

/// What is shown of an operation: samples and notes.
fn shown(operation: &Operation) -> (Names, Vec<String>) {
    let name =
        |document: &Option<Document>| document.as_ref().map(|document| document.get_str("name").unwrap().to_owned());
    let samples = operation.samples.iter().map(|sample| (name(&sample.before), name(&sample.after)));
    (samples.collect(), operation.notes.clone())
}

#[tokio::test]
async fn a_write_with_a_collation_is_simulated_with_it() {
    let db = TestDb::new().await;
    let people = ["Ada", "ADA", "Bob", "BOB", "Cy", "Eve", "Fay"].map(|name| doc! { "_id": name, "name": name });
    db.collection("people").insert_many(people).await.unwrap();
    let numbers = [doc! { "_id": f64::NAN, "n": 1 }, doc! { "_id": 1, "n": f64::NAN }];
    db.collection("numbers").insert_many(numbers).await.unwrap();
    let migrator = migrator(&db, "module:dry-collation").build().unwrap();
    let report = rehearsed(&db, migrator.up()).await.unwrap();

    let operations: Vec<_> = of(&report, "001_collated").operations.iter().map(shown).collect();
    let pair = |before: Option<&str>, after: Option<&str>| (before.map(str::to_owned), after.map(str::to_owned));
    let known = |samples: Names| (samples, Vec::new());
    assert_eq!(operations[0], known(vec![pair(Some("Ada"), Some("ada")), pair(Some("ADA"), Some("ada"))]));
    for (operation, why) in
        [(1, "an option that was set"), (2, "an option that was set"), (5, "its filter uses variables")]
    {
        let (samples, notes) = &operations[operation];
        assert!(samples.is_empty(), "{samples:?}");
        assert!(notes[0].starts_with(&format!("cannot tell which documents it changes: {why}")), "{notes:?}");
    }
    assert_eq!(operations[3], known(vec![pair(None, Some("dan"))]));
    assert_eq!(operations[4], known(vec![pair(Some("Eve"), None)]));

    let samples: Vec<_> =
        of(&report, "002_not_a_number").operations.iter().map(|operation| &operation.samples).collect();
    let [long, more] = samples.as_slice() else { panic!("{samples:?}") };
    let [sample] = long.as_slice() else { panic!("{long:?}") };
    // The same number of another type is a change.
    let field = |document: &Option<Document>| document.as_ref().unwrap().get("n").cloned().unwrap();
    assert_eq!((field(&sample.before), field(&sample.after)), (Bson::Int32(1), Bson::Int64(1)));
    let [sample] = more.as_slice() else { panic!("{more:?}") };
    assert!(sample.before.is_some() && sample.after.is_some());

    migrator.up().await.unwrap();
    let names: Vec<_> = documents(&db, "people").await;
    let names: Vec<_> = names.iter().map(|person| person.get_str("name").unwrap()).collect();
    assert_eq!(names.iter().filter(|name| **name == "ada").count(), 2, "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "bob").count(), 2, "{names:?}");
    assert!(names.contains(&"cy") && names.contains(&"dan") && !names.contains(&"Eve"), "{names:?}");
}
