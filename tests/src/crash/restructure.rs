//! A `Schema` body with many operations, each of which must happen once. Starting over would lose a thousand orders.

use std::time::{Duration, UNIX_EPOCH};

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Bson, Document, Timestamp, doc};
use mongodb::error::ErrorKind;
use mongrate::context::Index;
use mongrate::{Error, Migrator, Registry, Schema, migration};

use crate::stored::{collections, count};
use crate::{TestDb, eventually};

/// The source of this body.
pub const SOURCE: &str = "module:restructure";

/// The qualified id.
pub const ID: &str = "module:restructure:001_orders";

/// The number of orders.
pub const ORDERS: u64 = 1_000;

const SHELVES: [&str; 3] = ["shelf_a", "shelf_b", "shelf_c"];

#[migration(id = "001_orders", source = "module:restructure", down = put_back)]
async fn restructure(schema: &mut Schema) -> Result<(), Error> {
    // Asked again after the rename, both would have another answer.
    if schema.collection_exists("orders_old").await? {
        schema.drop_collection("orders_old").await?;
    }
    let orders = schema.count("orders", doc! {}).await?;
    schema.rename_collection("orders", "orders_old").await?;
    schema.create_collection("orders").await?;
    for shelf in SHELVES {
        if !schema.collection_exists(shelf).await? {
            schema.create_collection(shelf).await?;
        }
    }
    let by_number = Index::new(doc! { "number": 1 }).unique();
    if orders == ORDERS && schema.find_one("orders_old", doc! { "number": 0 }).await?.is_some() {
        schema.create_indexes("orders_old", [by_number, Index::new(doc! { "placed": -1 })]).await?;
    }
    schema.rename_collection("stock_rebuilt", "stock").replacing().await?;
    schema.create_view("open_orders", "orders", [doc! { "$match": { "open": true } }]).await?;
    schema.set_validator("orders", doc! { "number": { "$gte": 0 } }).await
}

async fn put_back(schema: &mut Schema) -> Result<(), Error> {
    if schema.options("open_orders").await?.is_some() {
        schema.drop_collection("open_orders").await?;
    }
    schema.drop_collection("stock").await?;
    if schema.index_exists("orders_old", "number_1").await? && schema.indexes("orders_old").await?.len() == 3 {
        schema.drop_indexes("orders_old").await?;
    }
    for shelf in SHELVES {
        schema.drop_collection(shelf).await?;
    }
    schema.drop_collection("orders").await?;
    schema.rename_collection("orders_old", "orders").await
}

/// Builds a migrator for this body.
#[must_use]
pub fn migrator(database: Database, lease: Duration) -> Migrator {
    let builder = Migrator::builder(database).registry(Registry::linked().source(SOURCE));
    builder.lock_wait(Duration::from_secs(60)).lease(lease).build().unwrap()
}

/// Inserts current orders, one old order, and a stock with its replacement. Returns the UUID of the collection.
pub async fn prepare(db: &Database) -> Bson {
    db.collection::<Document>("orders_old").insert_one(doc! { "_id": "old" }).await.unwrap();
    db.collection::<Document>("stock").insert_one(doc! { "_id": "old" }).await.unwrap();
    db.collection::<Document>("stock_rebuilt").insert_one(doc! { "_id": "new" }).await.unwrap();
    let orders = (0..ORDERS).map(|number| doc! { "number": i64::try_from(number).unwrap() });
    db.collection::<Document>("orders").insert_many(orders).await.unwrap();
    uuid(db, "orders").await
}

/// Returns the UUID of a collection, which survives a rename.
pub async fn uuid(db: &Database, collection: &str) -> Bson {
    let listed: Vec<_> =
        db.list_collections().filter(doc! { "name": collection }).await.unwrap().try_collect().await.unwrap();
    listed[0].info.uuid.clone().map(Bson::Binary).unwrap()
}

/// Asserts that the body has created everything once, and that the orders are the original ones.
pub async fn assert_restructured(db: &Database, orders: &Bson, context: &str) {
    assert_eq!(count(db, "orders_old", doc! {}).await, ORDERS, "{context}");
    assert_eq!(&uuid(db, "orders_old").await, orders, "{context}");
    let names = collections(db).await;
    let made = ["open_orders", "orders", "orders_old", "shelf_a", "shelf_b", "shelf_c", "stock"];
    assert!(made.iter().all(|name| names.contains(&(*name).to_owned())), "{names:?}, {context}");
    let indexes = db.collection::<Document>("orders_old").list_index_names().await.unwrap();
    assert_eq!(indexes, ["_id_", "number_1", "placed_-1"], "{context}");
    assert_eq!(count(db, "stock", doc! { "_id": "new" }).await, 1, "{context}");
    assert_eq!(count(db, "stock", doc! {}).await, 1, "{context}");
    assert!(!names.contains(&"stock_rebuilt".to_owned()), "{names:?}, {context}");
    db.collection::<Document>("orders").insert_one(doc! { "number": -1 }).await.unwrap_err();
}

/// Asserts the original state, except the old order.
pub async fn assert_put_back(db: &Database, orders: &Bson, context: &str) {
    assert_eq!(count(db, "orders", doc! {}).await, ORDERS, "{context}");
    assert_eq!(&uuid(db, "orders").await, orders, "{context}");
    let names = collections(db).await;
    let made = ["open_orders", "orders_old", "shelf_a", "shelf_b", "shelf_c", "stock", "stock_rebuilt"];
    assert!(made.iter().all(|name| !names.contains(&(*name).to_owned())), "{names:?}, {context}");
    let indexes = db.collection::<Document>("orders").list_index_names().await.unwrap();
    assert_eq!(indexes, ["_id_"], "{context}");
}

/// Error code `CappedPositionLost`: the position of a scan was truncated.
const CAPPED_POSITION_LOST: i32 = 136;

/// Returns the DDL commands of this database in the oplog, by name and object.
pub async fn carried_out(db: &TestDb) -> Vec<String> {
    let oplog = db.client().database("local").collection::<Document>("oplog.rs");
    // The server starts its scan there instead of at the beginning of the oplog.
    let created = db.created().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let since = Timestamp { time: u32::try_from(created).unwrap() - 1, increment: 0 };
    let commands = doc! { "ts": { "$gte": since }, "op": "c", "ns": format!("{}.$cmd", db.name()) };
    let entries = eventually("a scan of the oplog that its truncation does not end", async || {
        let entries: mongodb::error::Result<Vec<_>> =
            async { oplog.find(commands.clone()).await?.try_collect().await }.await;
        match entries {
            Err(error) if matches!(&*error.kind, ErrorKind::Command(error) if error.code == CAPPED_POSITION_LOST) => {
                None
            }
            entries => Some(entries.unwrap()),
        }
    })
    .await;
    let named = entries.iter().filter_map(|entry| {
        let (name, object) = entry.get_document("o").ok()?.iter().next()?;
        let object = object.as_str()?.trim_start_matches(&format!("{}.", db.name())).to_owned();
        (!object.starts_with("migrations") && name != "applyOps").then(|| format!("{name} {object}"))
    });
    let mut named: Vec<_> = named.collect();
    named.sort_unstable();
    named
}
