//! The menu, the roles, and the alerts of the plugin.

use axum::Json;
use axum::extract::State;
use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};
use whale_alerts::Alerts;

use super::ApiError;
use crate::menu::{self, Entry};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Role {
    #[serde(rename(deserialize = "_id"))]
    id: String,
    title: String,
    permissions: Vec<String>,
    /// The number of customers with this role.
    customers: i64,
}

/// `GET /menu`
pub(super) async fn menu(State(database): State<Database>) -> Result<Json<Vec<Entry>>, ApiError> {
    Ok(Json(menu::entries(&database).await?))
}

/// `GET /roles`
pub(super) async fn roles(State(database): State<Database>) -> Result<Json<Vec<Role>>, ApiError> {
    let count_customers = [
        doc! { "$lookup": {
            "from": "customers", "localField": "_id", "foreignField": "role", "as": "customers",
            "pipeline": [{ "$count": "count" }],
        } },
        doc! { "$set": { "customers": { "$toLong": { "$ifNull": [{ "$first": "$customers.count" }, 0] } } } },
        doc! { "$sort": { "customers": -1, "_id": 1 } },
    ];
    let found = database.collection::<Document>("roles").aggregate(count_customers).with_type::<Role>().await?;
    Ok(Json(found.try_collect().await?))
}

/// `GET /alerts`
pub(super) async fn alerts(State(database): State<Database>) -> Result<Json<Alerts>, ApiError> {
    Ok(Json(whale_alerts::alerts(&database).await?))
}
