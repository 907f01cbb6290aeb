//! Whale alerts: who is notified of customers that have spent more than a threshold.
//!
//! A plugin of the sample application in its own crate, with its own migrations. They are linked into every program
//! that names this crate, and reach only the collections of the plugin.

mod migrations;
#[cfg(test)]
mod tests;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use mongrate::options::Names;
use serde::{Deserialize, Serialize};

/// The name of the plugin's collection of subscriptions in the database.
pub const SUBSCRIPTIONS: &str = "plugin_whale-alerts_subscriptions";

/// The maximum number of whales in an alert.
const MOST: i64 = 20;

/// The key of the setting, in cents.
const THRESHOLD: &str = "thresholdCents";

/// Who is notified of which customers.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alerts {
    /// In cents, or `None` if it is not set.
    pub threshold_cents: Option<i64>,
    /// Email addresses.
    pub subscribers: Vec<String>,
    /// The customers who have spent the most, at most 20.
    pub whales: Vec<Whale>,
}

/// A customer who has spent at least the threshold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Whale {
    /// The id of the customer.
    #[serde(rename(deserialize = "_id"))]
    pub id: i32,
    /// The customer's full name.
    pub name: String,
    /// In cents.
    #[serde(rename = "spentCents")]
    pub spent_cents: i64,
}

/// A stored subscription.
#[derive(Clone, Debug, Deserialize)]
struct Subscription {
    email: String,
}

/// Returns the current alerts.
pub async fn alerts(database: &Database) -> Result<Alerts> {
    let threshold_cents = threshold_cents(database).await?;
    let subscriptions = database.collection::<Subscription>(SUBSCRIPTIONS);
    let subscriptions = subscriptions.find(doc! {}).sort(doc! { "email": 1 }).await?;
    let subscribers = subscriptions.map_ok(|subscription| subscription.email).try_collect().await?;
    let whales = match threshold_cents {
        Some(least) => {
            let customers = database.collection::<Whale>("customers");
            let whales = customers.find(doc! { "spentCents": { "$gte": least } });
            whales.sort(doc! { "spentCents": -1 }).limit(MOST).await?.try_collect().await?
        }
        None => Vec::new(),
    };
    Ok(Alerts { threshold_cents, subscribers, whales })
}

/// Reads the plugin's setting, which a migration has stored in Mongrate's key-value store.
async fn threshold_cents(database: &Database) -> Result<Option<i64>> {
    let entry = doc! { "_id": { "source": "plugin:whale-alerts", "key": THRESHOLD } };
    let found = database.collection::<Document>(&Names::default().kv).find_one(entry).await?;
    Ok(found.and_then(|entry| entry.get_i64("value").ok()))
}
