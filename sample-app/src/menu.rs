//! The menu: a module of the application, with migrations of its own.

mod migrations;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::doc;
use mongodb::error::Result;
use serde::{Deserialize, Serialize};

/// Where the menu is stored.
pub(crate) const COLLECTION: &str = "menu";

/// An entry, in today's shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Which menu it belongs to: `shop` or `admin`.
    pub namespace: String,
    /// Where it leads; unique in its namespace.
    pub path: String,
    /// What it says.
    pub label: String,
    /// From 1, from the top.
    pub position: i32,
    /// The role that it takes to see it; everybody does when `None`.
    pub role: Option<String>,
}

/// All entries, from the top.
pub async fn entries(database: &Database) -> Result<Vec<Entry>> {
    let top_down = doc! { "namespace": -1, "position": 1 };
    database.collection(COLLECTION).find(doc! {}).sort(top_down).await?.try_collect().await
}
