//! Indexes and their options at the server.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::options::{Collation, IndexOptions};
use mongodb::{Database, IndexModel};
use mongrate::{Schema, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, migrator};

#[migration(id = "001_indexes", source = "module:schema-indexes")]
async fn indexes(schema: &mut Schema) -> Result<(), mongrate::Error> {
    // As after an interrupted run.
    for _ in 0..2 {
        schema.create_index("users", doc! { "email": 1 }).unique().await?;
        schema.create_index("users", doc! { "nick": 1 }).sparse().await?;
        schema.create_index("users", doc! { "age": 1 }).partial(doc! { "age": { "$gt": 17 } }).await?;
        schema.create_index("users", doc! { "seen": 1 }).expire_after(Duration::from_secs(60 * 60)).await?;
        schema.create_index("users", doc! { "name": 1, "age": -1 }).named("by_name").await?;
        let collation = Collation::builder().locale("de").build();
        schema.create_index("users", doc! { "town": 1 }).collation(collation).named("by_town").await?;
        // Each option is set by its own call, and no call takes another one back.
        schema
            .create_index("users", doc! { "title": "text", "body": "text" })
            .named("search")
            .hidden()
            .weights(doc! { "title": 10 })
            .partial(doc! { "published": true })
            .with(|options| options.default_language = Some("german".to_owned()))
            .with(|options| options.language_override = Some("lang".to_owned()))
            .await?;
    }
    Ok(())
}

async fn indexes_of(db: &Database, collection: &str) -> Vec<IndexModel> {
    db.collection::<Document>(collection).list_indexes().await.unwrap().try_collect().await.unwrap()
}

async fn options_of(db: &Database, index: &str) -> IndexOptions {
    let named = |model: &IndexModel| model.options.as_ref().unwrap().name.as_deref() == Some(index);
    indexes_of(db, "users").await.into_iter().find(named).unwrap().options.unwrap()
}

#[tokio::test]
async fn indexes_are_created_once_with_their_options() {
    let db = TestDb::new().await;
    let report = migrator(&db, "module:schema-indexes").build().unwrap().up().await.unwrap();
    assert_eq!(indexes_of(&db, "users").await.len(), 8);
    assert_eq!(options_of(&db, "email_1").await.unique, Some(true));
    assert_eq!(options_of(&db, "nick_1").await.sparse, Some(true));
    let partial = options_of(&db, "age_1").await.partial_filter_expression;
    assert_eq!(partial, Some(doc! { "age": { "$gt": 17 } }));
    assert_eq!(options_of(&db, "seen_1").await.expire_after, Some(Duration::from_secs(60 * 60)));
    assert_eq!(options_of(&db, "by_town").await.collation.unwrap().locale, "de");
    let search = options_of(&db, "search").await;
    assert_eq!(search.hidden, Some(true));
    assert_eq!(search.weights, Some(doc! { "body": 1, "title": 10 }));
    assert_eq!(search.partial_filter_expression, Some(doc! { "published": true }));
    assert_eq!(search.default_language.as_deref(), Some("german"));
    assert_eq!(search.language_override.as_deref(), Some("lang"));
    let by_name = indexes_of(&db, "users").await.into_iter().find(|index| index.keys == doc! { "name": 1, "age": -1 });
    assert_eq!(by_name.unwrap().options.unwrap().name.as_deref(), Some("by_name"));
    let operations = &report.executions().next().unwrap().operations;
    assert!(operations.iter().all(|operation| operation.kind == "create_index" && operation.collection == "users"));
}

#[migration(id = "001_create", source = "module:schema-drop")]
async fn create(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).await?;
    schema.create_index("users", doc! { "nick": 1 }).await
}

#[migration(id = "002_drop", source = "module:schema-drop")]
async fn drop(schema: &mut Schema) -> Result<(), mongrate::Error> {
    for _ in 0..2 {
        schema.drop_index("users", "email_1").await?;
        schema.drop_index("not_there", "email_1").await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_index_is_dropped_once() {
    let db = TestDb::new().await;
    migrator(&db, "module:schema-drop").build().unwrap().up().await.unwrap();
    let names = db.collection::<Document>("users").list_index_names().await.unwrap();
    assert_eq!(names, ["_id_", "nick_1"]);
    assert!(!collections(&db).await.contains(&"not_there".to_owned()));
}

#[migration(id = "001_bounded", source = "module:schema-bounded")]
async fn bounded(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.max_time(Duration::from_secs(1)).create_index("users", doc! { "email": 1 }).await
}

#[tokio::test]
async fn an_index_respects_its_lock_timeout() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_one(doc! { "_id": 1 }).await.unwrap();
    // An open transaction that has touched the collection.
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    users.insert_one(doc! { "_id": 2 }).session(&mut session).await.unwrap();

    let error = migrator(&db, "module:schema-bounded").build().unwrap().up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("MaxTimeMSExpired"), "{error}");
    session.abort_transaction().await.unwrap();
    migrator(&db, "module:schema-bounded").build().unwrap().up().await.unwrap();
    assert_eq!(indexes_of(&db, "users").await.len(), 2);
}
