//! A backfill that must change each document once, and its dependents.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongrate::context::Change;
use mongrate::migrator::MigratorBuilder;
use mongrate::{Backfill, Error, Migrator, Registry, Tx, migration};

use crate::stored::{count, record};

/// The source of these migrations.
pub const SOURCE: &str = "module:backfill";

/// The backfill.
pub const ID: &str = "module:backfill:001_numbers";

/// A number of documents that is divided into ranges.
pub const MANY: i64 = 12_000;

/// The source of these migrations as programs with changed code have them, which count in `changed`, too.
pub const CHANGED: &str = "module:backfill-changed";

/// The code of a program, if it is not the usual one.
#[derive(Clone, Copy, Debug)]
enum Code {
    Changed,
    /// In Rust, document by document.
    Computed,
    /// Also on a standalone server.
    Repeatable,
}

/// Counts how often each document is changed.
#[migration(id = "001_numbers", source = "module:backfill", down = forget)]
async fn numbers(backfill: &mut Backfill) -> Result<(), Error> {
    let code = backfill.provided::<Code>().ok();
    let orders = backfill.collection("orders").batch(at_most(400));
    match code.as_deref() {
        None => orders.update(doc! { "$inc": { "n": 1 } }).await,
        Some(Code::Repeatable) => orders.repeatable().update(doc! { "$inc": { "n": 1 } }).await,
        Some(Code::Changed) => orders.update(doc! { "$inc": { "n": 1, "changed": 1 } }).await,
        Some(Code::Computed) => {
            orders.each(|_: Document| Ok::<_, Infallible>(Change::update(doc! { "$inc": { "n": 1 } }))).await
        }
    }
}

async fn forget(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("orders").batch(at_most(400)).update(doc! { "$inc": { "m": 1 } }).await
}

#[migration(id = "002_unrelated", source = "module:backfill", down = unrelated_down)]
async fn unrelated(tx: &mut Tx) -> Result<(), Error> {
    tx.collection("log").insert_one(doc! { "_id": "unrelated" }).await?;
    Ok(())
}

async fn unrelated_down(tx: &mut Tx) -> Result<(), Error> {
    tx.collection::<Document>("log").delete_one(doc! { "_id": "unrelated" }).await?;
    Ok(())
}

/// Stores how many documents it finds unchanged.
#[migration(id = "003_dependent", source = "module:backfill", deps = ["module:backfill:001_numbers"], down = dependent_down)]
async fn dependent(tx: &mut Tx) -> Result<(), Error> {
    let missing = tx.collection::<Document>("orders").count_documents(doc! { "n": { "$ne": 1 } }).await?;
    let missing = i64::try_from(missing).unwrap_or(i64::MAX);
    tx.collection("log").insert_one(doc! { "_id": "dependent", "missing": missing }).await?;
    Ok(())
}

async fn dependent_down(tx: &mut Tx) -> Result<(), Error> {
    tx.collection::<Document>("log").delete_one(doc! { "_id": "dependent" }).await?;
    Ok(())
}

fn at_most(documents: u32) -> NonZeroU32 {
    NonZeroU32::new(documents).unwrap()
}

/// Builds a migrator for these migrations.
#[must_use]
pub fn migrator(database: Database, lease: Duration) -> Migrator {
    builder(database, lease).build().unwrap()
}

/// Builds a migrator of a program with changed code.
#[must_use]
pub fn changed_migrator(database: Database, lease: Duration) -> Migrator {
    builder(database, lease).provide(Code::Changed).build().unwrap()
}

/// Builds a migrator of a program that may repeat a batch.
#[must_use]
pub fn repeatable_migrator(database: Database, lease: Duration) -> Migrator {
    builder(database, lease).provide(Code::Repeatable).build().unwrap()
}

/// Builds a migrator of a program that computes the changes in Rust.
#[must_use]
pub fn computed_migrator(database: Database, lease: Duration) -> Migrator {
    builder(database, lease).provide(Code::Computed).build().unwrap()
}

fn builder(database: Database, lease: Duration) -> MigratorBuilder {
    let builder = Migrator::builder(database).registry(Registry::linked().source(SOURCE)).assume_new();
    builder.lock_wait(Duration::from_secs(60)).lease(lease)
}

/// Inserts orders.
pub async fn fill(db: &Database, number: i64) {
    let orders: Vec<_> = (0..number).map(|id| doc! { "_id": id }).collect();
    db.collection::<Document>("orders").insert_many(orders).await.unwrap();
}

/// Asserts that each of the orders was changed once, before the dependent ran.
pub async fn assert_once(db: &Database, number: i64, context: &str) {
    let number = u64::try_from(number).unwrap();
    let other = db.collection::<Document>("orders").find_one(doc! { "n": { "$ne": 1 } }).await.unwrap();
    assert_eq!(other, None, "{context}");
    assert_eq!(count(db, "orders", doc! { "n": 1 }).await, number, "{context}");
    let record = record(db, ID).await.unwrap();
    assert_eq!(record.get_str("status").unwrap(), "completed", "{context}");
    assert!(!record.contains_key("backfill") && !record.contains_key("underway"), "{record}, {context}");
    let dependent = db.collection::<Document>("log").find_one(doc! { "_id": "dependent" }).await.unwrap().unwrap();
    assert_eq!(dependent.get("missing"), Some(&Bson::Int64(0)), "{context}");
}
