//! Whether a request was made by a page of the own site.

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, ORIGIN};
use axum::http::request::Parts;

use crate::host;
use crate::tokens::{ADMIN_TOKEN, presented};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Returns whether no other site can have made a browser send this request.
pub(crate) fn is_safe(parts: &Parts, trusted: &[String]) -> bool {
    parts.method.is_safe() || has_token(&parts.headers) || is_same(parts, trusted)
}

/// Whether there is a token, which no browser sends by itself, as it does a cookie or a password for `Basic`.
fn has_token(headers: &HeaderMap) -> bool {
    presented(headers).is_some() || headers.contains_key(ADMIN_TOKEN)
}

/// Browsers send `Sec-Fetch-Site` on secure connections and to localhost, and `Origin` with every POST.
fn is_same(parts: &Parts, trusted: &[String]) -> bool {
    let mut sites = parts.headers.get_all(FETCH_SITE).iter().peekable();
    if sites.peek().is_some() {
        return sites.all(|site| site == "same-origin" || site == "none");
    }
    let mut origins = parts.headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next().and_then(|origin| origin.to_str().ok()), origins.next()) else {
        return false;
    };
    if trusted.iter().any(|trusted| trusted.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    // Neither `null` nor anything else without an authority.
    let Some(("http" | "https", authority)) = origin.split_once("://") else { return false };
    host::of_request(parts).is_some_and(|host| host.eq_ignore_ascii_case(authority))
}
