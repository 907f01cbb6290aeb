//! `Tx` bodies.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::memory::Memory;
use super::super::session::Session;
use super::change;
use crate::error::codes::NO_SUCH_TRANSACTION;
use crate::error::{Error, code};
use crate::executor::Failure;
use crate::executor::attempt::Attempt;
use crate::executor::commit::Committer;
use crate::executor::failure::{Verdict, judge};
use crate::record::RecordStatus;
use crate::store::Attachment;

/// What the server lets a transaction last.
const LIFETIME: Duration = Duration::from_secs(60);

/// Mirrors how the executor runs a `Tx` body.
pub(super) async fn in_transaction(
    store: &Memory,
    committer: &Committer<'_, Memory>,
    session: &mut Session,
    step: usize,
    seconds: u64,
    locks: bool,
) -> Result<(), Failure> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let attempt = attempt_body(store, committer, session, step, seconds, locks).await;
        if committer.finish_attempt(attempts, attempt).await? {
            return Ok(());
        }
    }
}

async fn attempt_body(
    store: &Memory,
    committer: &Committer<'_, Memory>,
    session: &mut Session,
    step: usize,
    seconds: u64,
    locks: bool,
) -> Result<(), Attempt> {
    let lease = committer.lease;
    lease.check()?;
    committer.start(session).await?;
    let (began, permit) = (Instant::now(), lease.permit());
    let outlived = |error: &_| code(error) == Some(NO_SUCH_TRANSACTION) && began.elapsed() >= LIFETIME;
    let result = store.body(session, step, locks).await;
    sleep(Duration::from_secs(seconds)).await;
    let result = match (result, permit.check()) {
        (_, Err(reason)) => Err(reason.into()),
        (Ok(()), Ok(())) => Ok(()),
        (Err(error), Ok(())) => Err(match judge(&error, outlived(&error)) {
            Verdict::Transient(error) => Attempt::Transient(error),
            Verdict::Permanent(error) => error.into(),
            Verdict::Ordinary => Failure::server("run the body", error).into(),
        }),
    };
    if let Err(failure) = result {
        committer.abort(session).await;
        return Err(failure);
    }
    let completed = change(step, RecordStatus::Completed, lease.token(), Attachment::Kept);
    match committer.seal(session, &[completed]).await {
        Err(Attempt::Transient(error)) if outlived(&error) => Err(Error::TransactionTooSlow { source: error }.into()),
        other => other,
    }
}
