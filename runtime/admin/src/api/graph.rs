//! The dependency graph.

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use mongrate::display::graph::{Dot, Drawing, Mermaid, Svg};
use mongrate::json;
use serde::Deserialize;

use crate::call::{Call, Query};
use crate::doc::{JSON, accepts, not_acceptable};
use crate::problem::Problem;

/// For an image that is opened as a document: nothing but its own style sheet.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wanted {
    format: Format,
    around: Option<String>,
    depth: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    #[default]
    Json,
    Svg,
    Dot,
    Mermaid,
}

pub(crate) const SVG: &str = "image/svg+xml";
pub(crate) const DOT: &str = "text/vnd.graphviz";
pub(crate) const MERMAID: &str = "text/vnd.mermaid";

pub(crate) async fn graph(call: Call, Query(wanted): Query<Wanted>, headers: HeaderMap) -> Result<Response, Problem> {
    let kind = wanted.format.kind();
    if !accepts(&headers, kind) {
        return Err(not_acceptable(kind));
    }
    let drawing = wanted.part_of(&call).await?;
    let text = match wanted.format {
        Format::Json => return Ok(call.json(&json::graph::Graph::of(&drawing))),
        Format::Svg => Svg::new(&drawing.reduced()).to_string(),
        Format::Dot => Dot(&drawing.reduced()).to_string(),
        Format::Mermaid => Mermaid(&drawing.reduced()).to_string(),
    };
    Ok(([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY)], text).into_response())
}

impl Wanted {
    async fn part_of(&self, call: &Call) -> Result<Drawing, Problem> {
        let Some(id) = &self.around else {
            if self.depth.is_some() {
                return Err(Problem::bad_request("`depth` needs `around`").help("name the migration in the middle"));
            }
            return Ok(Drawing::new(call.migrator().status().await?.iter()));
        };
        call.migrator().registry().find(id)?;
        let drawing = Drawing::new(call.migrator().status().await?.iter());
        Ok(drawing.around(self.depth.unwrap_or(usize::MAX), |node| node == id))
    }
}

impl Format {
    fn kind(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Svg => SVG,
            Self::Dot => DOT,
            Self::Mermaid => MERMAID,
        }
    }
}
