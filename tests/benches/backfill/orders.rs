//! The collection that is rewritten.

use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::options::{Acknowledgment, Hint, WriteConcern};
use mongodb::{Client, Collection, Database};
use mongrate_testkit::mongod::Mongod;
use serde::Deserialize;

use crate::Result;

const COLLECTION: &str = "orders";
const TEMPLATE: &str = "template";

/// What the client-side columns read of an order.
#[derive(Deserialize)]
pub(crate) struct Order {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    price: i32,
}

impl Order {
    pub(crate) fn total(&self) -> i32 {
        self.lines.iter().map(|line| line.price).sum()
    }
}

pub(crate) fn orders<T: Send + Sync>(database: &Database) -> Collection<T> {
    database.collection(COLLECTION)
}

/// The index of the stretches and ranges.
pub(crate) fn by_id() -> Hint {
    Hint::Keys(doc! { "_id": 1 })
}

/// The change, on the server.
pub(crate) fn change() -> Vec<Document> {
    vec![doc! { "$set": { "total": { "$sum": "$lines.price" } } }]
}

/// Writes the orders as they are before the change, about 200 bytes each.
pub(crate) async fn fill(database: &Database, documents: u32) -> Result<()> {
    let template = database.collection::<Document>(TEMPLATE);
    for from in (0..documents).step_by(10_000) {
        let chunk = (from..documents.min(from + 10_000)).map(|number| {
            let price = i32::try_from(number % 1_000).unwrap_or_default();
            let line = |article: &str, price: i32| doc! { "article": article, "price": price, "count": 1 };
            doc! {
                "_id": ObjectId::new(),
                "customer": format!("customer {number:08}"),
                "lines": [line("tea", price), line("sugar", 2), line("milk", 3)],
            }
        });
        template.insert_many(chunk).await?;
    }
    Ok(())
}

/// Restores the orders and waits until every member has them on disk.
pub(crate) async fn reset(server: &Mongod, database: &Database) -> Result<()> {
    database.collection::<Document>(TEMPLATE).aggregate([doc! { "$out": COLLECTION }]).await?;
    caught_up(server, database).await?;
    for member in server.members() {
        let member = Client::with_uri_str(member.uri()).await?;
        member.database("admin").run_command(doc! { "fsync": 1 }).await?;
    }
    Ok(())
}

/// Waits until every member has applied all writes.
pub(crate) async fn caught_up(server: &Mongod, database: &Database) -> Result<()> {
    let members = u32::try_from(server.members().len())?;
    let everywhere = WriteConcern::builder().w(Acknowledgment::Nodes(members)).build();
    database.collection::<Document>("markers").insert_one(doc! {}).write_concern(everywhere).await?;
    Ok(())
}

/// Fails unless every order has the right total.
pub(crate) async fn check(database: &Database, documents: u32) -> Result<()> {
    let right = doc! { "$expr": { "$eq": ["$total", { "$sum": "$lines.price" }] } };
    let right = orders::<Document>(database).count_documents(right).await?;
    if right == u64::from(documents) { Ok(()) } else { Err(format!("{right} of {documents} orders are right").into()) }
}
