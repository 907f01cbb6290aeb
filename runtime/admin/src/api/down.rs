//! Reverts applied migrations.

use std::num::NonZeroUsize;

use axum::response::Response;
use mongrate::migration::Direction;
use serde::Deserialize;

use super::up::{Ids, Request, agreed, answer, launch};
use crate::call::{Call, Json, Query};
use crate::etag::Confirmation;
use crate::line::{Because, By};
use crate::prefer::Wait;
use crate::problem::Problem;
use crate::selection::Selection;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Options {
    dry_run: Option<bool>,
    steps: Option<NonZeroUsize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Body {
    only: Ids,
    to: Option<String>,
    steps: Option<NonZeroUsize>,
    batch: bool,
    with_dependents: bool,
    timeout_ms: Option<u64>,
    lock_wait_ms: Option<u64>,
    because: Because,
    by: By,
    dry_run: Option<bool>,
    acknowledge_orphans: bool,
}

pub(crate) async fn down(
    call: Call,
    wait: Wait,
    confirmation: Confirmation,
    Query(options): Query<Options>,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    let run = launch(&call, body.request(&options, confirmation)?).await?;
    answer(&call, &run, wait, "runs").await
}

impl Body {
    fn request(self, options: &Options, confirmation: Confirmation) -> Result<Request, Problem> {
        let only = Vec::from(&self.only);
        if self.steps.is_some() && options.steps.is_some() && self.steps != options.steps {
            return Err(Problem::unprocessable("`steps` differs between the body and the query"));
        }
        let steps = self.steps.or(options.steps);
        let targets = [steps.is_some(), self.batch, !only.is_empty(), self.to.is_some()];
        if targets.into_iter().filter(|is_given| *is_given).count() > 1 {
            return Err(Problem::unprocessable("`steps`, `batch`, `only` and `to` exclude each other"));
        }
        Ok(Request {
            selection: Selection {
                verb: Direction::Down,
                only,
                to: self.to,
                steps: steps.map(NonZeroUsize::get),
                batch: self.batch,
                with_dependents: self.with_dependents,
            },
            confirmation,
            by: self.by,
            because: self.because,
            timeout_ms: self.timeout_ms,
            lock_wait_ms: self.lock_wait_ms,
            dry_run: agreed("dryRun", self.dry_run, options.dry_run)?,
            acknowledge_orphans: self.acknowledge_orphans,
            continue_on_error: false,
            with_changed_code: false,
        })
    }
}
