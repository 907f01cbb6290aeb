//! A client with `apiStrict`, which has no `renameCollection`, `$currentOp` and `killSessions`.

use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, ServerApi, ServerApiVersion};
use mongodb::{Client, Database};
use mongrate::{Error, Schema, migration};
use mongrate_tests::stored::{collections, count, lease_is_free, migrator, status};
use mongrate_tests::{TestDb, eventually, under_way};

async fn strict(db: &TestDb) -> Database {
    let mut options = ClientOptions::parse(db.uri()).await.unwrap();
    options.server_api = Some(ServerApi::builder().version(ServerApiVersion::V1).strict(true).build());
    Client::with_options(options).unwrap().database(db.name())
}

#[migration(id = "001_all", source = "module:strict", down = none)]
async fn all(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_collection("orders_old").await?;
    schema.create_collection("orders").validator(doc! { "number": { "$gte": 0 } }).await?;
    schema.create_index("orders", doc! { "number": 1 }).unique().await?;
    schema.create_index("orders", doc! { "date": 1 }).await?;
    schema.drop_index("orders", "date_1").await?;
    schema.create_view("open_orders", "orders", [doc! { "$match": { "open": true } }]).await?;
    schema.set_validator("orders", doc! { "number": { "$gte": 1 } }).await
}

async fn none(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_collection("open_orders").await?;
    schema.drop_collection("orders").await
}

#[tokio::test]
async fn everything_but_a_rename_works_within_the_stable_api() {
    let db = TestDb::new().await;
    db.collection("orders_old").insert_one(doc! { "_id": "old" }).await.unwrap();
    let migrator = migrator(&strict(&db).await, "module:strict").build().unwrap();
    let dry_run = migrator.up().dry_run(true).await.unwrap();
    println!("{dry_run}");
    let report = migrator.up().await.unwrap();
    assert_eq!(report.warnings(), <[String; 0]>::default());
    assert!(migrator.validate().await.unwrap().is_valid());
    let names = collections(&db).await;
    assert!(!names.contains(&"orders_old".to_owned()) && names.contains(&"open_orders".to_owned()), "{names:?}");
    let orders = db.collection::<Document>("orders");
    assert_eq!(orders.list_index_names().await.unwrap(), ["_id_", "number_1"]);
    orders.insert_one(doc! { "number": 0 }).await.unwrap_err();
    orders.insert_one(doc! { "number": 1 }).await.unwrap();
    orders.insert_one(doc! { "number": 1 }).await.unwrap_err();
    migrator.down().await.unwrap();
    assert!(!collections(&db).await.contains(&"orders".to_owned()));
}

#[migration(id = "001_rename", source = "module:strict-rename")]
async fn rename(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_collection("orders_old").await?;
    schema.rename_collection("orders", "orders_old").await
}

/// The error suggests another client, with which the next run continues.
#[tokio::test]
async fn a_rename_is_refused_within_the_stable_api() {
    let db = TestDb::new().await;
    db.collection("orders_old").insert_one(doc! { "_id": "old" }).await.unwrap();
    db.collection("orders").insert_one(doc! { "_id": "new" }).await.unwrap();
    let error = migrator(&strict(&db).await, "module:strict-rename").build().unwrap().up().await.unwrap_err();
    println!("{error}");
    for words in ["rename collection 'orders'", "apiStrict", "323"] {
        assert!(error.to_string().contains(words), "{words} is not in: {error}");
    }
    assert!(lease_is_free(&db).await);
    assert_eq!(status(&db, "module:strict-rename:001_rename").await, "failed");
    assert_eq!(count(&db, "orders", doc! { "_id": "new" }).await, 1);
    migrator(&db, "module:strict-rename").build().unwrap().up().await.unwrap();
    assert_eq!(count(&db, "orders_old", doc! { "_id": "new" }).await, 1);
}

/// It waits for an open transaction and cannot be ended, so nobody else may migrate before it is over.
#[tokio::test]
async fn a_drop_that_cannot_be_ended_keeps_the_lease() {
    let db = TestDb::new().await;
    let old = db.collection::<Document>("orders_old");
    old.insert_one(doc! { "_id": "old" }).await.unwrap();
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    old.insert_one(doc! { "_id": "open" }).session(&mut session).await.unwrap();
    let migrator = migrator(&strict(&db).await, "module:strict").build().unwrap();
    let run = tokio::spawn(migrator.up().into_future());
    eventually("the drop", async || (under_way::commands(&db, "drop").await == 1).then_some(())).await;
    migrator.shutdown().await;
    let error = run.await.unwrap().unwrap_err();
    println!("{error}");
    let Error::Interrupted { report } = &error else { panic!("{error:?}") };
    let [left] = report.left_running() else { panic!("{report}") };
    assert!(left.contains("`drop_collection` of 'module:strict:001_all'"), "{left}");
    assert_eq!(under_way::commands(&db, "drop").await, 1);
    assert!(!lease_is_free(&db).await);
    session.abort_transaction().await.unwrap();
}
