//! Customers: paginated, by id, and by search.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{DateTime, Document, doc};
use serde::{Deserialize, Serialize, Serializer};

use super::ApiError;

/// The default and the maximum page size.
const USUAL: i64 = 20;
const MOST: i64 = 100;

/// A customer in the current format.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase", deserialize = "camelCase"))]
pub(super) struct Customer {
    #[serde(rename(deserialize = "_id"))]
    id: i32,
    name: String,
    email: String,
    email_verified: bool,
    phone: Option<Phone>,
    role: String,
    country: String,
    city: String,
    spent_cents: i64,
    #[serde(serialize_with = "rfc3339")]
    created_at: DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Phone {
    country_code: String,
    number: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    limit: Option<i64>,
    after: Option<i32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Page {
    customers: Vec<Customer>,
    /// The value of `after` for the next page, or null on the last page.
    next: Option<i32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    q: String,
}

/// `GET /customers?limit=&after=`
pub(super) async fn list(
    State(database): State<Database>,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(Paging { limit, after }) = paging?;
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::BadRequest(format!("limit must be from 1 to {MOST}")));
    }
    let filter = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after } });
    let found = database.collection("customers").find(filter).sort(doc! { "_id": 1 }).limit(limit + 1).await?;
    let mut customers = found.try_collect::<Vec<Customer>>().await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = customers.len() > size;
    customers.truncate(size);
    let next = customers.last().filter(|_| more).map(|last| last.id);
    Ok(Json(Page { customers, next }))
}

/// `GET /customers/{id}`
pub(super) async fn one(
    State(database): State<Database>,
    id: Result<Path<i32>, PathRejection>,
) -> Result<Json<Customer>, ApiError> {
    let Path(id) = id?;
    let found = database.collection("customers").find_one(doc! { "_id": id }).await?;
    found.map(Json).ok_or_else(|| ApiError::not_found(&format!("customer {id}")))
}

/// `GET /search?q=`: searches names and cities, best match first.
pub(super) async fn search(
    State(database): State<Database>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Vec<Customer>>, ApiError> {
    let Query(Search { q }) = search?;
    if q.trim().is_empty() {
        return Err(ApiError::BadRequest("q must contain a search term".to_owned()));
    }
    let (text, best) = (doc! { "$text": { "$search": q } }, doc! { "score": { "$meta": "textScore" }, "_id": 1 });
    let found = database.collection("customers").find(text).sort(best).limit(USUAL).await?;
    Ok(Json(found.try_collect().await?))
}

/// JSON has no dates, and the driver would write `{ "$date": .. }`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn rfc3339<S: Serializer>(time: &DateTime, serializer: S) -> Result<S::Ok, S::Error> {
    let text = time.try_to_rfc3339_string().map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&text)
}
