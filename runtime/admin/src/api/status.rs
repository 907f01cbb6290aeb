//! The status of every migration.

use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mongrate::json;
use serde::{Deserialize, Serialize};

use crate::call::{Call, Query};
use crate::etag::ETag;
use crate::filter::Filter;
use crate::problem::Problem;

/// The selected migrations and the page of them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wanted {
    q: String,
    source: String,
    state: String,
    isolated: bool,
    drifted: bool,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    #[serde(flatten)]
    status: json::Status<'a>,
    /// The qualified id after which the next page begins.
    next: Option<&'static str>,
}

pub(crate) async fn status(call: Call, Query(wanted): Query<Wanted>, headers: HeaderMap) -> Result<Response, Problem> {
    let Wanted { q, source, state, isolated, drifted, limit, cursor } = wanted;
    if !source.is_empty() {
        call.migrator().registry().source(&source).verify()?;
    }
    let filter = Filter { q, source, state, isolated, drifted, page: 0 };
    let status = call.migrator().status().await?;
    let tag = ETag::of_status(&status);
    if tag.is_known(&headers) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag.header())]).into_response());
    }
    let skipped = match &cursor {
        None => 0,
        Some(id) => {
            1 + status.iter().position(|standing| standing.migration.id() == id).ok_or_else(|| {
                Problem::bad_request("`cursor` is not the `next` of a page").help("begin again without it")
            })?
        }
    };
    let mut selected = status.iter().skip(skipped).filter(|standing| filter.selects(standing));
    let page: Vec<_> = selected.by_ref().take(limit.unwrap_or(usize::MAX)).collect();
    let last = page.last().map(|standing| standing.migration.id());
    let next = last.filter(|_| selected.next().is_some());
    let page = Page { status: json::Status::part_of(&status, page), next };
    Ok(([(ETAG, tag.header())], call.json(&page)).into_response())
}
