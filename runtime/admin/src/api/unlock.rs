//! Releases the lock by force.

use axum::response::Response;
use mongrate::json;
use mongrate::record::Holder;
use serde::Deserialize;

use super::amend::reason;
use crate::call::{Call, Json};
use crate::etag::{Confirmation, ETag};
use crate::line::{Because, By};
use crate::problem::{Problem, value};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Body {
    because: Because,
    by: By,
}

pub(crate) async fn unlock(
    call: Call,
    confirmation: Confirmation,
    Json(Body { because, by }): Json<Body>,
) -> Result<Response, Problem> {
    let holder = release(&call, &confirmation, &because, &by).await?;
    Ok(call.json(&json::Released::of(holder.as_ref())))
}

/// Releases the lock from the holder that the sender saw, and from no other.
pub(crate) async fn release(
    call: &Call,
    confirmation: &Confirmation,
    because: &Because,
    by: &By,
) -> Result<Option<Holder>, Problem> {
    let because = reason(because)?;
    if confirmation.is_missing() {
        return Err(Problem::unconfirmed("a release of the lock", "lock"));
    }
    let lock = call.migrator().lock_status().await?;
    if !confirmation.matches(&ETag::of_lock(&lock)) {
        let mut problem = Problem::changed("the lock has changed since it was shown", None);
        problem.holder = lock.holder.as_ref().map(|holder| value(&json::Holder::from(holder)));
        return Err(problem);
    }
    if lock.holder.is_none() {
        return Ok(None);
    }
    let unlock = call.migrator().force_unlock().only(lock.token).because(because);
    Ok(unlock.by(call.actor(by.text())).await?)
}
