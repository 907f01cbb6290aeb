//! The state that was read last, for while the database does not answer.

use std::panic::resume_unwind;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::Markup;
use mongrate::Error;
use tokio::time::timeout;

use super::banners::unreachable;
use crate::call::Call;
use crate::patience;
use crate::problem::Problem;
use crate::site::Seen;

/// Awaits a reading, for as long as there is still time to answer with the last state instead.
pub(super) async fn in_time<T: Send + 'static>(
    call: &Call,
    reading: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Problem> {
    let limit = call.admin.patience().read * 3 / 4;
    // The driver's futures must not be dropped, so they belong to a task.
    match timeout(limit, tokio::spawn(reading)).await {
        Ok(Ok(read)) => Ok(read?),
        Ok(Err(ended)) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(patience::exhausted(limit)),
        },
        Err(_) => Err(patience::exhausted(limit)),
    }
}

/// Shows the last state, with a banner that says so. Fails with the problem itself if that is another one, or if there is no state.
pub(super) fn last_seen(
    call: &Call,
    problem: Problem,
    show: impl FnOnce(&Seen, Markup) -> Result<Response, Problem>,
) -> Result<Response, Problem> {
    let seen = call.site.last_seen().filter(|_| problem.status == StatusCode::SERVICE_UNAVAILABLE);
    let Some(seen) = seen else { return Err(problem) };
    let page = show(&seen, unreachable(call, &problem, &seen))?;
    Ok((StatusCode::SERVICE_UNAVAILABLE, page).into_response())
}
