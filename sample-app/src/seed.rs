//! A database as version 1 of the service would have left it.

mod customers;
mod names;
mod orders;
mod random;

use anyhow::bail;
use mongodb::Database;
use mongodb::bson::{Document, doc};

use crate::menu;

/// The number of customers in version 1.
pub const CUSTOMERS: i32 = 5_000;

/// The number of orders of each customer in version 1.
pub const ORDERS: i32 = 40;

/// Marks a database as loaded by this module, and whether it is complete.
const MARK: &str = "sample_data";

/// Loads version 1 into an empty database, with `orders` for each customer. Returns false if it is already loaded.
///
/// A database with other contents is an error: the sample must not migrate other data.
pub async fn load(database: &Database, orders: i32) -> anyhow::Result<bool> {
    let (marks, version) = (database.collection::<Document>(MARK), doc! { "_id": "version 1" });
    if let Some(mark) = marks.find_one(version.clone()).await? {
        if mark.get_bool("complete").unwrap_or(false) {
            return Ok(false);
        }
        // An earlier start was interrupted while loading.
        database.collection::<Document>(menu::COLLECTION).drop().await?;
        database.collection::<Document>("customers").drop().await?;
        database.collection::<Document>(orders::COLLECTION).drop().await?;
    } else {
        refuse_foreign(database).await?;
        marks.insert_one(version.clone()).await?;
    }
    database.collection(menu::COLLECTION).insert_many(menu_entries()).await?;
    database.collection("customers").insert_many(customers::customers(CUSTOMERS)).await?;
    orders::create(database, orders).await?;
    marks.update_one(version, doc! { "$set": { "complete": true } }).await?;
    Ok(true)
}

async fn refuse_foreign(database: &Database) -> anyhow::Result<()> {
    let collections = database.list_collection_names().await?;
    if !collections.is_empty() {
        bail!(
            "the database '{}' has contents that do not belong to this sample ({}). Set MONGODB_URI to an empty database, such as \
             mongodb://localhost/sample",
            database.name(),
            collections.join(", "),
        );
    }
    Ok(())
}

/// Version 1 had one menu for everybody.
fn menu_entries() -> impl Iterator<Item = Document> {
    let entries = [
        ("/", "Home"),
        ("/products", "Products"),
        ("/basket", "Basket"),
        ("/orders", "My orders"),
        ("/profile", "My profile"),
        ("/help", "Help"),
        ("/admin", "Overview"),
        ("/admin/customers", "Customers"),
        ("/admin/roles", "Roles"),
        ("/admin/alerts", "Whale alerts"),
    ];
    (1..).zip(entries).map(|(position, (path, label))| doc! { "path": path, "label": label, "position": position })
}
