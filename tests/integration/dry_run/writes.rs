//! `Tx` bodies: counts and samples. Each body sees the effects of the earlier ones.

use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;
use mongodb::{Database, bson::Bson};
use mongrate::report::{Counts, Outcome, Sample};
use mongrate::{Migrator, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, documents, migrator, registry, status};

use super::{of, reason, rehearsed, would_apply};

#[migration(id = "001_changes", source = "module:dry-writes")]
async fn changes(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    things.insert_many((10..15).map(|id| doc! { "_id": id, "n": 0 })).await?;
    things.update_many(doc! { "_id": { "$lt": 10 } }, doc! { "$inc": { "n": 1 } }).await?;
    things.update_one(doc! { "_id": 20 }, doc! { "$set": { "n": 20 } }).with(|action| action.upsert(true)).await?;
    things.delete_many(doc! { "_id": { "$in": [1, 2, 10] } }).await?;
    things.replace_one(doc! { "_id": 3 }, doc! { "replaced": true }).await?;
    things
        .find_one_and_update(doc! { "_id": 30 }, doc! { "$set": { "n": 30 } })
        .with(|action| action.upsert(true).return_document(ReturnDocument::After))
        .await?;
    things.find_one_and_delete(doc! { "_id": 4 }).await?;
    // Chooses another one than the first that matches.
    things
        .find_one_and_update(doc! { "_id": { "$gt": 4 } }, doc! { "$set": { "last": true } })
        .with(|action| action.sort(doc! { "_id": -1 }))
        .await?;
    // Changes nothing.
    things.update_many(doc! {}, doc! { "$unset": { "missing": 1 } }).await?;
    let read = things.find(doc! { "_id": { "$lt": 10 } }).await?.collect().await?.len();
    tx.kv().set("read", i64::try_from(read)?).await?;
    Ok(())
}

#[migration(id = "002_finds", source = "module:dry-writes", deps = ["module:dry-writes:001_changes"])]
async fn finds(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let things = tx.collection::<Document>("things");
    anyhow::ensure!(things.count_documents(doc! { "n": 20 }).await? == 1, "the first one has left nothing");
    anyhow::ensure!(tx.kv().get("read").await? == Some(Bson::Int64(6)), "nor a key");
    tx.collection("seen").insert_one(doc! { "_id": 1 }).await?;
    Ok(())
}

fn sample(before: Option<Document>, after: Option<Document>) -> (Option<Document>, Option<Document>) {
    (before, after)
}

fn pairs(samples: &[Sample]) -> Vec<(Option<Document>, Option<Document>)> {
    samples.iter().map(|sample| (sample.before.clone(), sample.after.clone())).collect()
}

#[tokio::test]
async fn i4_operations_are_reported_with_counts_and_samples_and_leave_nothing() {
    let db = TestDb::new().await;
    let things = (1..=9).map(|id| doc! { "_id": id, "n": id });
    db.collection::<Document>("things").insert_many(things).await.unwrap();
    let migrator = migrator(&db, "module:dry-writes").build().unwrap();
    let dry = rehearsed(&db, migrator.up()).await.unwrap();
    assert!(would_apply(&dry, "001_changes") && would_apply(&dry, "002_finds"));
    assert_eq!((dry.applied().count(), dry.is_empty()), (0, false));
    assert!(of(&dry, "002_finds").notes.is_empty());

    let operations = &of(&dry, "001_changes").operations;
    let samples = |place: usize| pairs(&operations[place].samples);
    let new = |document: Document| sample(None, Some(document));
    assert_eq!(samples(0), (10..13).map(|id| new(doc! { "_id": id, "n": 0 })).collect::<Vec<_>>());
    let changed = |id: i32| sample(Some(doc! { "_id": id, "n": id }), Some(doc! { "_id": id, "n": id + 1 }));
    assert_eq!(samples(1), (1..4).map(changed).collect::<Vec<_>>());
    assert_eq!(samples(2), [new(doc! { "_id": 20, "n": 20 })]);
    let gone = |document: Document| sample(Some(document), None);
    assert_eq!(
        samples(3),
        [gone(doc! { "_id": 1, "n": 2 }), gone(doc! { "_id": 2, "n": 3 }), gone(doc! { "_id": 10, "n": 0 })]
    );
    assert_eq!(samples(4), [sample(Some(doc! { "_id": 3, "n": 4 }), Some(doc! { "_id": 3, "replaced": true }))]);
    assert_eq!(samples(5), [new(doc! { "_id": 30, "n": 30 })]);
    assert_eq!(samples(6), [gone(doc! { "_id": 4, "n": 5 })]);
    assert_eq!(samples(7), []);
    assert_eq!(samples(8), []);
    let key = &operations[10];
    assert_eq!((key.kind, key.collection.as_str()), ("update_one", "migrations_kv"));
    assert_eq!(key.samples[0].after.as_ref().unwrap().get_i64("value").unwrap(), 6);
    // A cursor counts what was read from it.
    assert_eq!((operations[9].kind, operations[9].counts.matched), ("find", 6));

    // A real run has the same result.
    let real = migrator.up().await.unwrap();
    assert!(!real.is_dry_run());
    for name in ["001_changes", "002_finds"] {
        let told = |report: &mongrate::Report| -> Vec<(String, Counts)> {
            let operations = of(report, name).operations.iter();
            operations
                .map(|operation| (format!("{}: {}", operation.collection, operation.kind), operation.counts))
                .collect()
        };
        assert_eq!(told(&dry), told(&real));
    }
    let now = documents(&db, "things").await;
    for after in [doc! { "_id": 3, "replaced": true }, doc! { "_id": 20, "n": 20 }, doc! { "_id": 11, "n": 0 }] {
        assert!(now.contains(&after), "{after}");
    }
    assert!(of(&real, "001_changes").operations.iter().all(|operation| operation.samples.is_empty()));
}

#[tokio::test]
async fn i4_a_fresh_database_is_not_even_created() {
    let db = TestDb::new().await;
    let report = rehearsed(&db, migrator(&db, "module:dry-writes").build().unwrap().up()).await.unwrap_err();
    // There are no documents for it, so the second body finds others than it wants; the first is simulated all the same.
    assert!(would_apply(report.report().unwrap(), "001_changes"));
    assert!(collections(&db).await.is_empty());
    assert!(!db.client().list_database_names().await.unwrap().contains(&db.name().to_owned()));
    // Nor does a transaction hold what it has made.
    db.run_command(doc! { "create": "things", "maxTimeMS": 3000 }).await.unwrap();
}

#[migration(id = "001_index", source = "module:dry-text")]
async fn index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

#[migration(id = "002_roles", source = "module:dry-text", deps = ["module:dry-text:001_index"])]
async fn roles(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let users = tx.collection::<Document>("users");
    users.update_many(doc! { "role": { "$exists": false } }, doc! { "$set": { "role": "member" } }).await?;
    Ok(())
}

#[migration(id = "003_raw", source = "module:dry-text")]
async fn raw(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection("users").insert_one(doc! { "email": "raw" }).await?;
    Ok(())
}

#[migration(id = "004_tidy", source = "module:dry-text", deps = ["module:dry-text:003_raw"])]
async fn tidy(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let users = tx.collection::<Document>("users");
    users.delete_one(doc! { "_id": 4 }).await?;
    users.insert_one(doc! { "_id": 5, "email": "a \"b\"", "at": null }).await?;
    for _ in 0..120 {
        users.update_one(doc! { "_id": 5 }, doc! { "$inc": { "n": 1 } }).await?;
    }
    Ok(())
}

const TEXT: &str = r#"would fail     module:dry-text:001_index
    users: create_index
        4 documents would be scanned
        would fail: 1 value occurs more than once, 2 times in total: {"email":"ada"} (2 documents) (code 11000)
would apply    module:dry-text:002_roles
    users: update_many, 3 matched, 3 modified
        before   {"_id":1,"email":"ada"}
        after    {"_id":1,"email":"ada","role":"member"}
        before   {"_id":2,"email":"ada"}
        after    {"_id":2,"email":"ada","role":"member"}
        before   {"_id":4}
        after    {"_id":4,"role":"member"}
    note: ran without the effects of 'module:dry-text:001_index', which a dry run leaves out
not simulated  module:dry-text:003_raw: not run, because it takes `&Database`, whose changes cannot be rolled back
would apply    module:dry-text:004_tidy
    users: delete_one, 1 deleted
        deleted  {"_id":4,"role":"member"}
    users: insert_one, 1 inserted
        inserted {"_id":5,"email":"a \"b\"","at":null}
    users: update_one, 1 matched, 1 modified
        before   {"_id":5,"email":"a \"b\"","at":null}
        after    {"_id":5,"email":"a \"b\"","at":null,"n":1}
"#;

const END: &str = r"    and users: 102 × update_one, 102 matched, 102 modified
    note: ran without the effects of 'module:dry-text:003_raw', which a dry run leaves out
Dry run: 2 would be applied, 1 would fail, 1 could not be simulated; nothing was changed.";

#[tokio::test]
async fn the_report_is_for_people() {
    let db = TestDb::new().await;
    let users = [doc! { "_id": 1, "email": "ada" }, doc! { "_id": 2, "email": "ada" }];
    db.collection("users").insert_many(users).await.unwrap();
    let users = [doc! { "_id": 3, "email": "bob", "role": "admin" }, doc! { "_id": 4 }];
    db.collection("users").insert_many(users).await.unwrap();
    let report = rehearsed(&db, migrator(&db, "module:dry-text").build().unwrap().up()).await.unwrap();
    let text = report.to_string();
    assert!(text.starts_with(TEXT), "{text}");
    assert!(text.ends_with(END), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("    users: update_one")).count(), 18);
    // Also not by the body that is not run.
    assert_eq!(count(&db, "users", doc! { "email": "raw" }).await, 0);
    assert!(reason(&report, "003_raw").contains("&Database"));
}

#[migration(id = "001_variables", source = "module:dry-variables")]
async fn variables(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let things = tx.collection::<Document>("things");
    things
        .update_many(doc! { "$expr": { "$eq": ["$n", "$$wanted"] } }, doc! { "$set": { "found": true } })
        .with(|action| action.let_vars(doc! { "wanted": 1 }))
        .await?;
    Ok(())
}

#[migration(id = "002_malformed", source = "module:dry-variables")]
async fn malformed(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things")
        .update_many(doc! { "n": { "$near_enough": 1 } }, doc! { "$set": { "a": 1 } })
        .await?;
    Ok(())
}

/// What looks at the documents must not fail where the operation does not, nor hide its error.
#[tokio::test]
async fn sampling_does_not_affect_the_body() {
    let db = TestDb::new().await;
    db.collection("things").insert_one(doc! { "n": 1 }).await.unwrap();
    let error = rehearsed(&db, migrator(&db, "module:dry-variables").build().unwrap().up()).await.unwrap_err();
    let report = error.report().unwrap();
    let found = &of(report, "001_variables").operations[0];
    assert_eq!((found.counts.modified, found.samples.len()), (1, 0));
    assert!(error.to_string().contains("$near_enough"), "{error}");
    assert_eq!(of(report, "002_malformed").attempts, 1);
}

#[migration(id = "001_orders", source = "plugin:dry")]
async fn orders(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("orders").update_many(doc! {}, doc! { "$set": { "seen": true } }).await?;
    tx.kv().set("orders", 1).await
}

#[migration(id = "002_index", source = "plugin:dry")]
async fn plugin_index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("orders", doc! { "of": 1 }).unique().await?;
    schema.create_view("all", "orders", []).await
}

#[tokio::test]
async fn a_plugin_is_reported_with_the_names_in_the_database() {
    let db = TestDb::new().await;
    db.collection("orders").insert_many([doc! { "of": 1 }, doc! { "of": 1 }]).await.unwrap();
    db.collection("plugin_dry_orders").insert_one(doc! { "_id": 7 }).await.unwrap();
    let report = rehearsed(&db, migrator(&db, "plugin:dry").build().unwrap().up()).await.unwrap();
    let first = &of(&report, "001_orders").operations;
    assert_eq!((first[0].collection.as_str(), first[0].counts.matched), ("plugin_dry_orders", 1));
    assert_eq!(first[0].samples[0].before, Some(doc! { "_id": 7 }));
    assert_eq!(first[1].collection, "migrations_kv");
    let second = &of(&report, "002_index").operations;
    assert_eq!(second[0].collection, "plugin_dry_orders");
    assert_eq!(second[0].notes, ["1 document would be scanned", "no duplicates"]);
    assert_eq!(
        (second[1].collection.as_str(), &second[1].notes[..]),
        ("plugin_dry_all", &["would be created".to_owned()][..])
    );
}

async fn back(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("rows").delete_many(doc! {}).await?;
    Ok(())
}

async fn drop_index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_index("rows", "n_1").await
}

#[migration(id = "001_index", source = "module:dry-down", down = drop_index)]
async fn down_index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("rows", doc! { "n": 1 }).await
}

#[migration(id = "002_rows", source = "module:dry-down", deps = ["module:dry-down:001_index"], down = back)]
async fn rows(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("rows").insert_one(doc! { "_id": 1, "n": 1 }).await?;
    Ok(())
}

#[tokio::test]
async fn i4_a_down_is_reported_and_leaves_everything_applied() {
    let db = TestDb::new().await;
    let migrator = Migrator::builder(db.database().clone()).registry(registry(&["module:dry-down"])).build().unwrap();
    assert_eq!(migrator.down().dry_run(true).await.unwrap().to_string(), "Dry run: nothing to revert.");
    migrator.up().await.unwrap();
    assert_eq!(rehearsed(&db, migrator.up()).await.unwrap().to_string(), "Dry run: nothing is pending.");

    let before = super::everything(&db).await;
    let report = migrator.down().batch().dry_run(true).await.unwrap();
    println!("{report}");
    assert_eq!(super::everything(&db).await, before);
    let order: Vec<_> = report.executions().map(|execution| execution.id.as_str()).collect();
    assert_eq!(order, ["module:dry-down:002_rows", "module:dry-down:001_index"]);
    assert!(report.executions().all(|execution| matches!(execution.outcome, Outcome::WouldRevert)));
    assert_eq!(of(&report, "002_rows").operations[0].counts.deleted, 1);
    assert_eq!(of(&report, "001_index").operations[0].notes, [r#"the index 'n_1' on {"n":1} would be dropped"#]);
    assert_eq!(of(&report, "001_index").notes, ["checked without the effects of 'module:dry-down:002_rows'"]);
    assert!(report.to_string().ends_with("Dry run: 2 would be reverted; nothing was changed."));
    assert_eq!(status(&db, "module:dry-down:002_rows").await, "completed");
}

#[tokio::test]
async fn only_selected_migrations_are_reported() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:dry-text").build().unwrap();
    let report = rehearsed(&db, migrator.up().only("module:dry-text:002_roles")).await.unwrap();
    assert_eq!(report.executions().count(), 2);
    migrator.up().only("module:dry-text:001_index").await.unwrap();
    let report = rehearsed(&db, migrator.up()).await.unwrap();
    assert_eq!(report.executions().count(), 3);
    assert!(of(&report, "002_roles").notes.is_empty(), "what it depends on is applied");
}
