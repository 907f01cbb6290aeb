//! How one attempt at a transaction ended.

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::doc;
use mongodb::error::Error as DriverError;
use tokio::time::Instant;

use super::Failure;
use super::failure::{Verdict, driver_error, judge};
use crate::context::Tx;
use crate::error::codes::NO_SUCH_TRANSACTION;
use crate::error::{Error, code};
use crate::migration::registration::BoxError;

/// `transactionLifetimeLimitSeconds` where it cannot be asked for.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

/// How one attempt at a transaction ended, when not well.
pub(super) enum Attempt {
    /// Rolled back by the server for a passing reason.
    Again(DriverError),
    /// For good.
    Over(Failure),
}

impl<F: Into<Failure>> From<F> for Attempt {
    fn from(failure: F) -> Self {
        Self::Over(failure.into())
    }
}

/// A body's own error, unless what is behind it calls for another attempt or has a cure to be named.
pub(super) async fn why_failed(database: &Database, error: BoxError, tx: &Tx, began: Instant) -> Attempt {
    let noted = tx.first_error().map(|(_, error)| error);
    let Some(inner) = noted.as_ref().or_else(|| driver_error(&*error)) else {
        return Failure::Failed(error).into();
    };
    match judge(inner, outlived(database, inner, began).await) {
        Verdict::Again(error) => Attempt::Again(error),
        Verdict::Final(error) => error.into(),
        Verdict::Ordinary => match tx.cause_of_refusal() {
            // What the body failed with at last says only that the transaction is gone (I6).
            Some((operation, source)) => Error::IgnoredError { operation, source }.into(),
            None => Failure::Failed(error).into(),
        },
    }
}

/// A body that returned Ok although an operation had failed: on the server its transaction is gone.
pub(super) async fn why_ignored(database: &Database, tx: &Tx, began: Instant) -> Result<(), Attempt> {
    let Some((operation, source)) = tx.first_error() else { return Ok(()) };
    Err(match judge(&source, outlived(database, &source, began).await) {
        Verdict::Again(error) => Attempt::Again(error),
        Verdict::Final(error) => error.into(),
        Verdict::Ordinary => Error::IgnoredError { operation, source }.into(),
    })
}

/// Whether a transaction that began then was lost because it outlived what the server allows.
pub(super) async fn outlived(database: &Database, error: &DriverError, began: Instant) -> bool {
    if code(error) != Some(NO_SUCH_TRANSACTION) {
        return false;
    }
    let lasted = began.elapsed();
    let command = doc! { "getParameter": 1, "transactionLifetimeLimitSeconds": 1 };
    let reply = database.client().database("admin").run_command(command).await;
    let limit = reply.ok().and_then(|reply| reply.get_i32("transactionLifetimeLimitSeconds").ok());
    lasted >= limit.map_or(DEFAULT_LIFETIME, |seconds| Duration::from_secs(seconds.unsigned_abs().into()))
}
