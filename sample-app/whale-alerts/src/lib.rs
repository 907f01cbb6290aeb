//! Whale alerts: who is to hear of the customers that have spent more than a threshold.
//!
//! A plugin of the sample application, in a crate of its own. Its migrations come with it: they are linked into every
//! program that names this crate, and reach only the plugin's own collections.

mod migrations;
#[cfg(test)]
mod tests;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use mongrate::options::Names;
use serde::{Deserialize, Serialize};

/// The plugin's collection of subscriptions, as it is called in the database.
pub const SUBSCRIPTIONS: &str = "plugin_whale-alerts_subscriptions";

/// How many whales are told of.
const MOST: i64 = 20;

/// The key of the setting, in cents.
const THRESHOLD: &str = "thresholdCents";

/// Who is to hear of which customers.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alerts {
    /// In cents; `None` as long as it is not set.
    pub threshold_cents: Option<i64>,
    /// E-mail addresses.
    pub subscribers: Vec<String>,
    /// Those who have spent the most, up to 20.
    pub whales: Vec<Whale>,
}

/// A customer who has spent at least the threshold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Whale {
    /// The number of the customer.
    #[serde(rename(deserialize = "_id"))]
    pub id: i32,
    /// The customer's full name.
    pub name: String,
    /// In cents.
    #[serde(rename = "spentCents")]
    pub spent_cents: i64,
}

/// A subscription, as it is stored.
#[derive(Clone, Debug, Deserialize)]
struct Subscription {
    email: String,
}

/// Today's alerts.
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

/// The plugin's setting, which a migration has left in Mongrate's key-value store.
async fn threshold_cents(database: &Database) -> Result<Option<i64>> {
    let entry = doc! { "_id": { "source": "plugin:whale-alerts", "key": THRESHOLD } };
    let found = database.collection::<Document>(&Names::default().kv).find_one(entry).await?;
    Ok(found.and_then(|entry| entry.get_i64("value").ok()))
}
