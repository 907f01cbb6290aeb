//! The menu: a module of the application with its own migrations.

mod migrations;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::doc;
use mongodb::error::Result;
use serde::{Deserialize, Serialize};

/// The collection of the menu.
pub(crate) const COLLECTION: &str = "menu";

/// A menu entry in the current format.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The menu: `shop` or `admin`.
    pub namespace: String,
    /// The target, unique within the namespace.
    pub path: String,
    /// The text.
    pub label: String,
    /// The position, starting with 1 at the top.
    pub position: i32,
    /// The required role. `None` is everybody.
    pub role: Option<String>,
}

/// Returns all entries, from the top.
pub async fn entries(database: &Database) -> Result<Vec<Entry>> {
    let top_down = doc! { "namespace": -1, "position": 1 };
    database.collection(COLLECTION).find(doc! {}).sort(top_down).await?.try_collect().await
}
