//! What a route of the API takes and answers: the source of its OpenAPI description, and of the checks of each request.

use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use crate::parameters::{self, Parameter};
use crate::problem::Problem;

pub(crate) const JSON: &str = "application/json";

/// The description of a route.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doc {
    /// Empty for the routes of the page.
    pub(crate) summary: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) body: Option<&'static str>,
    /// A status with the name of a shape, with a media type, or with nothing.
    pub(crate) answers: &'static [(u16, &'static str)],
}

impl Doc {
    /// Fails unless the query and the header `Accept` are as described.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), Problem> {
        if self.summary.is_empty() {
            return Ok(());
        }
        parameters::check(self.parameters, &parts.uri)?;
        let kinds: Vec<_> = self.answers.iter().filter_map(|(_, shape)| media_type(shape)).collect();
        if kinds.is_empty() || kinds.iter().any(|kind| accepts(&parts.headers, kind)) {
            return Ok(());
        }
        Err(not_acceptable(&kinds.join(", ")))
    }
}

/// The problem of a header `Accept` that excludes these media types.
pub(crate) fn not_acceptable(kinds: &str) -> Problem {
    let detail = format!("this path answers with {kinds}, which the header `Accept` excludes");
    let problem = Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail);
    problem.help("leave out the header `Accept`, or allow this type in it")
}

/// The media type of an answer. `None` if it has no body.
pub(crate) fn media_type(shape: &'static str) -> Option<&'static str> {
    match shape {
        "" => None,
        media_type if media_type.contains('/') => Some(media_type),
        _ => Some(JSON),
    }
}

/// Returns whether the header `Accept` allows this media type. Without the header, everything is allowed.
pub(crate) fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let (group, _) = kind.split_once('/').unwrap_or((kind, ""));
    ranges.into_iter().any(|range| {
        let mut range = range.split(';').map(str::trim);
        let name = range.next().unwrap_or_default().to_ascii_lowercase();
        let is_refused = range.any(|parameter| {
            parameter
                .strip_prefix("q=")
                .and_then(|weight| weight.parse::<f32>().ok())
                .is_some_and(|weight| weight <= 0.0)
        });
        !is_refused && (name == "*/*" || name == kind || name.strip_suffix("/*").is_some_and(|name| name == group))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_media_type_is_accepted_by_name_by_group_or_by_anything() {
        for (accept, accepted) in [
            ("*/*", true),
            ("application/json", true),
            ("text/html, Application/*;q=0.5", true),
            ("application/json;charset=utf-8", true),
            ("text/html", false),
            ("text/*", false),
            ("application/json;q=0, text/html", false),
            ("application/json; q=0.0", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(accepts(&headers, JSON), accepted, "{accept}");
        }
        assert!(accepts(&HeaderMap::new(), JSON));
    }
}
