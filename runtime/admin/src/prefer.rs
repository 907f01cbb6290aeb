//! How long a client waits: the header `Prefer` of RFC 7240.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

const DEFAULT: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait for the end of a run before 202. 30 seconds unless the client says `Prefer: wait=N`, at most 60, or
/// `Prefer: respond-async`. What is malformed is ignored, as the RFC wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) Duration);

impl Wait {
    fn of<'a>(preferences: impl Iterator<Item = &'a str>) -> Self {
        let mut wait = None;
        for preference in preferences.flat_map(|value| value.split([',', ';'])) {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            if name.trim().eq_ignore_ascii_case("wait") {
                wait = value.trim().trim_matches('"').parse().ok().map(Duration::from_secs).or(wait);
            } else if name.trim().eq_ignore_ascii_case("respond-async") {
                wait = wait.or(Some(Duration::ZERO));
            }
        }
        Self(wait.unwrap_or(DEFAULT).min(LONGEST))
    }
}

impl<S: Sync> FromRequestParts<S> for Wait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_decides_how_long_to_wait() {
        for (header, seconds) in [
            ("", 30),
            ("wait=5", 5),
            ("respond-async", 0),
            ("respond-async, wait=10", 10),
            ("handling=lenient; Wait=\"7\"", 7),
            ("wait=600", 60),
            ("wait=-1", 30),
        ] {
            assert_eq!(Wait::of([header].into_iter()), Wait(Duration::from_secs(seconds)), "{header}");
        }
    }
}
