//! Bodies that ask, and what they see when they resume.

use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, history, migrator, record, status};

#[migration(id = "001_asks", source = "module:queries")]
async fn asks(schema: &mut Schema) -> Result<(), anyhow::Error> {
    for (name, exists) in [("users", true), ("adults", true), ("nowhere", false)] {
        anyhow::ensure!(schema.collection_exists(name).await? == exists, "{name}");
    }
    for (collection, index, exists) in [
        ("users", "email_1", true),
        ("users", "nick_1", false),
        ("adults", "email_1", false),
        ("nowhere", "a_1", false),
    ] {
        anyhow::ensure!(schema.index_exists(collection, index).await? == exists, "{index} of {collection}");
    }
    let email = doc! { "key": { "email": 1 }, "name": "email_1", "unique": true };
    anyhow::ensure!(schema.indexes("users").await? == [doc! { "key": { "_id": 1 }, "name": "_id_" }, email]);
    anyhow::ensure!(schema.indexes("adults").await?.is_empty() && schema.indexes("nowhere").await?.is_empty());
    anyhow::ensure!(schema.options("users").await? == Some(doc! { "validator": { "age": { "$gt": 0 } } }));
    let view = doc! { "viewOn": "users", "pipeline": [{ "$match": { "age": { "$gt": 17 } } }] };
    anyhow::ensure!(schema.options("adults").await? == Some(view));
    anyhow::ensure!(schema.options("nowhere").await?.is_none());
    let found = schema.find_one("users", doc! { "email": "b" }).await?;
    anyhow::ensure!(found == Some(doc! { "_id": 2, "email": "b", "age": 18 }));
    anyhow::ensure!(schema.find_one("users", doc! { "email": "c" }).await?.is_none());
    anyhow::ensure!(schema.find_one("nowhere", doc! {}).await?.is_none());
    for (collection, filter, documents) in
        [("users", doc! {}, 2), ("users", doc! { "age": 18 }, 1), ("adults", doc! {}, 1), ("nowhere", doc! {}, 0)]
    {
        anyhow::ensure!(schema.count(collection, filter).await? == documents, "{collection}");
    }
    schema.create_collection("answered").await?;
    // It sees its own effects.
    anyhow::ensure!(schema.collection_exists("answered").await?);
    Ok(())
}

#[tokio::test]
async fn queries_are_answered_from_the_database() {
    for db in [TestDb::new().await, TestDb::standalone().await] {
        let users = db.collection::<Document>("users");
        users
            .insert_many([doc! { "_id": 1, "email": "a", "age": 17 }, doc! { "_id": 2, "email": "b", "age": 18 }])
            .await
            .unwrap();
        let email = doc! { "key": { "email": 1 }, "name": "email_1", "unique": true };
        for command in [
            doc! { "createIndexes": "users", "indexes": [email] },
            doc! { "collMod": "users", "validator": { "age": { "$gt": 0 } } },
            doc! { "create": "adults", "viewOn": "users", "pipeline": [{ "$match": { "age": { "$gt": 17 } } }] },
        ] {
            db.run_command(command).await.unwrap();
        }
        migrator(&db, "module:queries").build().unwrap().up().await.unwrap();
        assert!(collections(&db).await.contains(&"answered".to_owned()));
        assert!(!record(&db, "module:queries:001_asks").await.unwrap().contains_key("log"));
    }
}

const BRANCHES: &str = "module:queries-branch:001_swap";

/// When it resumes, `orders_old` exists: it holds the orders.
#[migration(id = "001_swap", source = "module:queries-branch")]
async fn swap(schema: &mut Schema) -> Result<(), Error> {
    if schema.collection_exists("orders_old").await? {
        schema.drop_collection("orders_old").await?;
    }
    if schema.collection_exists("orders").await? {
        schema.rename_collection("orders", "orders_old").await?;
    }
    schema.create_index("orders_old", doc! { "number": 1 }).unique().await
}

#[tokio::test]
async fn a_resumed_body_has_the_answers_of_the_first_run() {
    let db = TestDb::new().await;
    let orders = db.collection::<Document>("orders");
    orders.insert_many([doc! { "_id": 1, "number": 1 }, doc! { "_id": 2, "number": 1 }]).await.unwrap();
    let migrator = migrator(&db, "module:queries-branch").build().unwrap();
    for _ in 0..2 {
        migrator.up().await.unwrap_err();
        assert_eq!(count(&db, "orders_old", doc! {}).await, 2);
        let log = record(&db, BRANCHES).await.unwrap().get_document("log").unwrap().clone();
        let first = log.get_array("ops").unwrap()[0].as_document().unwrap().clone();
        assert_eq!(first.get_str("op").unwrap(), "rename_collection");
        let answers =
            first.get_array("reads").unwrap().iter().map(|read| read.as_document().unwrap().get_bool("answer"));
        assert_eq!(answers.map(Result::unwrap).collect::<Vec<_>>(), [false, true]);
    }
    // A dry run resumes the same way.
    let dry = migrator.up().dry_run(true).await.unwrap();
    let notes = &dry.executions().next().unwrap().operations[0].notes;
    assert_eq!(notes, &["answered false", "as in the interrupted run"]);
    db.collection::<Document>("orders_old").delete_one(doc! { "_id": 2 }).await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "orders_old", doc! { "_id": 1 }).await, 1);
    assert_eq!(history(&db, BRANCHES).await, ["failed", "failed", "completed"]);
}

#[migration(id = "001_checks", source = "module:queries-anew")]
async fn checks(schema: &mut Schema) -> Result<(), anyhow::Error> {
    let unnamed = schema.count("users", doc! { "name": null }).await?;
    anyhow::ensure!(unnamed == 0, "{unnamed} users have no name");
    schema.set_validator("users", doc! { "$jsonSchema": { "required": ["name"] } }).await?;
    Ok(())
}

#[tokio::test]
async fn a_query_that_no_operation_followed_is_asked_again() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_many([doc! {}, doc! { "name": "ada" }]).await.unwrap();
    let migrator = migrator(&db, "module:queries-anew").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains("1 users have no name"), "{error}");
    users.delete_one(doc! { "name": null }).await.unwrap();
    migrator.up().await.unwrap();
    users.insert_one(doc! {}).await.unwrap_err();
}

#[migration(id = "001_reads", source = "module:queries-large")]
async fn reads(schema: &mut Schema) -> Result<(), Error> {
    let _ = schema.find_one("files", doc! {}).await;
    // Refused, because the failed query was ignored.
    schema.create_collection("another").await.unwrap_err();
    Ok(())
}

#[tokio::test]
async fn a_large_answer_is_refused() {
    let db = TestDb::new().await;
    let files = db.collection::<Document>("files");
    files.insert_one(doc! { "_id": 1, "text": "x".repeat(65 << 10) }).await.unwrap();
    let migrator = migrator(&db, "module:queries-large").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains("could not find a document in 'files'"), "{error}");
    assert!(error.to_string().contains("66 kB") && error.to_string().contains("Ask for a count"), "{error}");
    assert_eq!(status(&db, "module:queries-large:001_reads").await, "failed");
    assert!(!collections(&db).await.contains(&"another".to_owned()));
}

#[migration(id = "001_refused", source = "module:queries-refused")]
async fn refused(schema: &mut Schema) -> Result<(), Error> {
    schema.count("users", doc! { "$nonsense": 1 }).await.map(drop)
}

#[tokio::test]
async fn a_query_that_the_server_refuses_fails_the_migration() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:queries-refused").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains("could not count documents in 'users'"), "{error}");
}

#[migration(id = "001_asks", source = "plugin:queries")]
async fn plugin_asks(schema: &mut Schema) -> Result<(), anyhow::Error> {
    anyhow::ensure!(!schema.collection_exists("secrets").await? && schema.count("secrets", doc! {}).await? == 0);
    anyhow::ensure!(schema.find_one("users", doc! {}).await? == Some(doc! { "_id": "own" }));
    anyhow::ensure!(schema.indexes("users").await?.len() == 2 && schema.index_exists("users", "a_1").await?);
    schema.create_indexes("users", [doc! { "b": 1 }, doc! { "c": 1 }]).await?;
    schema.rename_collection("users", "secrets").replacing().await?;
    schema.drop_indexes("secrets").await?;
    Ok(())
}

#[tokio::test]
async fn a_plugin_asks_about_its_own_collections() {
    let db = TestDb::new().await;
    db.collection::<Document>("secrets").insert_one(doc! { "_id": "the application's" }).await.unwrap();
    db.collection::<Document>("users").insert_one(doc! { "_id": "the application's" }).await.unwrap();
    db.collection::<Document>("plugin_queries_users").insert_one(doc! { "_id": "own" }).await.unwrap();
    let index = doc! { "key": { "a": 1 }, "name": "a_1" };
    db.run_command(doc! { "createIndexes": "plugin_queries_users", "indexes": [index] }).await.unwrap();
    migrator(&db, "plugin:queries").build().unwrap().up().await.unwrap();
    assert_eq!(count(&db, "plugin_queries_secrets", doc! { "_id": "own" }).await, 1);
    assert_eq!(count(&db, "secrets", doc! { "_id": "the application's" }).await, 1);
    assert_eq!(count(&db, "users", doc! { "_id": "the application's" }).await, 1);
    let indexes = db.collection::<Document>("plugin_queries_secrets").list_index_names().await.unwrap();
    assert_eq!(indexes, ["_id_"]);
}

#[migration(id = "001_names", source = "module:queries-dry")]
async fn names(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let users = tx.collection::<Document>("users");
    users.update_many(doc! { "name": null }, doc! { "$set": { "name": "?" } }).await?;
    Ok(())
}

#[migration(id = "002_checks", source = "module:queries-dry", deps = ["module:queries-dry:001_names"])]
async fn checks_names(schema: &mut Schema) -> Result<(), anyhow::Error> {
    checks(schema).await
}

/// In a dry run, the body sees the documents before the earlier step, and fails. That must not be the prediction.
#[tokio::test]
async fn a_dry_run_does_not_trust_an_answer_that_an_earlier_step_changes() {
    let db = TestDb::new().await;
    db.collection::<Document>("users").insert_one(doc! {}).await.unwrap();
    let migrator = migrator(&db, "module:queries-dry").build().unwrap();
    let dry = migrator.up().dry_run(true).await.unwrap();
    let outcome = dry.executions().nth(1).unwrap().outcome.clone();
    let mongrate::report::Outcome::NotSimulated { reason } = &outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("it asks about 'users'") && reason.contains("001_names"), "{reason}");
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "users", doc! { "name": "?" }).await, 1);
}
