//! One batch: its documents and the range's own document, in one transaction.

use std::time::Duration;

use mongodb::error::{Error as DriverError, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use tokio::time::{Instant, sleep};

use super::range::{Bound, Range, RangeStore};
use crate::error::{Class, Cure, Readable, class, code};
use crate::stop::backoff;

/// Maximum attempts at a commit with an unknown result, before the stored range decides.
const COMMITS: u32 = 5;

/// The result of an attempt at a batch.
#[derive(Debug)]
pub(super) enum Attempt {
    /// Committed. With the range afterwards, and the time before the commit, which waits for a majority whatever the size.
    Committed(Box<Range>, Duration),
    /// Not committed: the stored range is another one.
    NotOurs,
    /// Rolled back for a reason that may pass, or of unknown result, which the stored range shows.
    Transient(DriverError),
    /// Rolled back; it would fail again.
    Failed(Cause),
}

/// Why a batch fails.
#[derive(Debug)]
pub(super) enum Cause {
    Server(DriverError),
    /// Documents that were changed still match `remaining`.
    Remaining,
}

/// Attempts a batch once.
pub(super) async fn attempt<S: RangeStore>(
    store: &S,
    session: &mut S::Session,
    range: &Range,
    bound: &Bound,
    check_remaining: bool,
) -> Attempt {
    let began = Instant::now();
    match write(store, session, range, bound, check_remaining).await {
        Ok(Ok(after)) => commit(store, session, after, began.elapsed()).await,
        Ok(Err(refused)) => {
            abort(store, session).await;
            refused
        }
        Err(error) => {
            abort(store, session).await;
            if is_transient(&error) { Attempt::Transient(error) } else { Attempt::Failed(Cause::Server(error)) }
        }
    }
}

async fn write<S: RangeStore>(
    store: &S,
    session: &mut S::Session,
    range: &Range,
    bound: &Bound,
    check_remaining: bool,
) -> Result<Result<Range, Attempt>, DriverError> {
    let (matched, changed) = store.change(range, bound, session).await?;
    if check_remaining && matched > 0 && store.leaves_remaining(range, bound, session).await? {
        return Ok(Err(Attempt::Failed(Cause::Remaining)));
    }
    let mut after = range.after(bound);
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    after.counts.scanned += count(bound.scanned);
    after.counts.matched += count(matched);
    after.counts.changed += count(changed);
    after.counts.batches += 1;
    Ok(if store.checkpoint(range, &after, session).await? { Ok(after) } else { Err(Attempt::NotOurs) })
}

/// Commits. Resends a commit with an unknown result, which is idempotent.
async fn commit<S: RangeStore>(store: &S, session: &mut S::Session, after: Range, wrote: Duration) -> Attempt {
    let mut tries = 0;
    loop {
        tries += 1;
        let Err(error) = store.commit(session).await else { return Attempt::Committed(Box::new(after), wrote) };
        if error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
            return Attempt::Transient(error);
        }
        if !error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) || tries == COMMITS {
            // Perhaps it is still open, and would make the next batch wait. If it is committed after all, the next batch finds the
            // range where it left it.
            let id = store.session_id(session).clone();
            store.kill(&id).await;
            return Attempt::Transient(error);
        }
        tracing::info!(tries, code = code(&error), "the result of a batch's commit is unknown");
        sleep(backoff(tries)).await;
    }
}

async fn abort<S: RangeStore>(store: &S, session: &mut S::Session) {
    if let Err(error) = store.abort(session).await {
        tracing::debug!(error = %Readable(&error), "could not roll back");
    }
}

/// Returns whether a smaller batch, or the same one a little later, may succeed.
pub(super) fn is_transient(error: &DriverError) -> bool {
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
        || matches!(class(error), Class::Now | Class::Later | Class::Cured(Cure::Smaller | Cure::Faster))
}
