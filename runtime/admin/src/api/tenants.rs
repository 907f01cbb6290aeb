//! How far the databases of the tenants are.

use axum::response::Response;
use serde::Deserialize;

use crate::call::{Call, Query};
use crate::problem::Problem;
use crate::tenants::Wanted;

/// The number of databases on a page, unless the request says otherwise.
const LIMIT: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filter {
    q: String,
    failed: Option<bool>,
    limit: Option<usize>,
    cursor: Option<String>,
}

pub(crate) async fn tenants(call: Call, Query(filter): Query<Filter>) -> Result<Response, Problem> {
    let tenants = call.tenants()?;
    let wanted = Wanted {
        search: &filter.q,
        failed: filter.failed,
        after: filter.cursor.as_deref(),
        limit: filter.limit.unwrap_or(LIMIT),
    };
    Ok(call.json(&tenants.page(&wanted).await?))
}
