//! The history of executions and manual changes.

use axum::http::HeaderValue;
use axum::http::header::LINK;
use axum::response::Response;
use mongodb::bson::DateTime;
use mongrate::history::{Act, Cursor};
use mongrate::json;
use mongrate::record::RecordStatus;
use serde::Deserialize;
use serde::de::value::{Error as Refused, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::call::{Call, Query};
use crate::problem::Problem;

/// The filters and the page.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wanted {
    limit: Option<u32>,
    skip: Option<u64>,
    cursor: Option<String>,
    status: Option<String>,
    source: Option<String>,
    migration: Option<String>,
    by: Option<String>,
    act: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

pub(crate) async fn history(
    call: Call,
    Query(wanted): Query<Wanted>,
    uri: axum::http::Uri,
) -> Result<Response, Problem> {
    let page = wanted.query(&call)?.await?;
    let mut response = call.json(&json::History::of(&page));
    if let Some(next) = &page.next {
        let link = format!("<{}>; rel=\"next\"", next_page(uri.query().unwrap_or_default(), next));
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(LINK, link);
        }
    }
    Ok(response)
}

impl Wanted {
    fn query(self, call: &Call) -> Result<mongrate::migrator::History, Problem> {
        let Self { limit, skip, cursor, status, source, migration, by, act, since, until } = self;
        if cursor.is_some() && skip.is_some() {
            return Err(Problem::bad_request("`skip` and `cursor` exclude each other").help("leave out `skip`"));
        }
        let mut history = call.migrator().history();
        if let Some(limit) = limit {
            history = history.limit(limit);
        }
        if let Some(skip) = skip {
            history = history.skip(skip);
        }
        if let Some(cursor) = cursor {
            let cursor =
                cursor.parse::<Cursor>().map_err(|error| Problem::bad_request(format!("`cursor`: {error}")))?;
            history = history.after(&cursor);
        }
        if let Some(status) = status {
            history = history.status(word::<RecordStatus>("status", &status)?);
        }
        if let Some(act) = act {
            history = history.act(word::<Act>("act", &act)?);
        }
        if let Some(source) = source {
            history = history.source(source);
        }
        if let Some(id) = migration {
            history = history.migration(id);
        }
        if let Some(name) = by {
            history = history.by(name);
        }
        if let Some(since) = since {
            history = history.since(time("since", &since)?);
        }
        if let Some(until) = until {
            history = history.until(time("until", &until)?);
        }
        Ok(history)
    }
}

/// Reads one of the words of an enumeration.
fn word<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Problem> {
    let word: StrDeserializer<'_, Refused> = text.into_deserializer();
    T::deserialize(word).map_err(|error| Problem::bad_request(format!("`{name}`: {error}")))
}

fn time(name: &str, text: &str) -> Result<DateTime, Problem> {
    DateTime::parse_rfc3339_str(text).map_err(|error| Problem::bad_request(format!("`{name}` is not a time: {error}")))
}

/// The relative URL of the next page, with the filters of this one.
fn next_page(query: &str, next: &Cursor) -> String {
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !["cursor", "skip"].contains(&pair.split('=').next().unwrap_or_default()));
    let cursor = format!("cursor={next}");
    format!("history?{}", kept.chain([cursor.as_str()]).collect::<Vec<_>>().join("&"))
}
