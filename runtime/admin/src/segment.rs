//! The variable part of a path.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::problem::Problem;

/// The last variable segment of the path, decoded: the id of a migration or of a run.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segments = RawPathParams::from_request_parts(parts, state).await;
        let segments = segments.map_err(|error| Problem::bad_request(error.body_text()))?;
        let last = segments.iter().last().map(|(_, value)| value.to_owned());
        last.map(Self).ok_or_else(|| Problem::not_found("there is nothing at this path"))
    }
}
