//! Failed attempts at a transaction.

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

/// The default of `transactionLifetimeLimitSeconds`, for users who may not read the parameter.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

/// The failure of an attempt at a transaction.
pub(super) enum Attempt {
    /// Rolled back by the server; transient.
    Transient(DriverError),
    /// Permanent.
    Permanent(Failure),
}

impl<F: Into<Failure>> From<F> for Attempt {
    fn from(failure: F) -> Self {
        Self::Permanent(failure.into())
    }
}

/// Classifies the error of a body. Returns the body's own error, unless the cause is transient or has a more helpful error.
pub(super) async fn classify_failure(database: &Database, error: BoxError, tx: &Tx, began: Instant) -> Attempt {
    let noted = tx.first_error().map(|(_, error)| error);
    let Some(inner) = noted.as_ref().or_else(|| driver_error(&*error)) else {
        return Failure::Failed(error).into();
    };
    match judge(inner, outlived(database, inner, began).await) {
        Verdict::Transient(error) => Attempt::Transient(error),
        Verdict::Permanent(error) => error.into(),
        Verdict::Ordinary => match tx.cause_of_refusal() {
            // The body's last error only says that the transaction is gone (I6).
            Some((operation, source)) => Error::IgnoredError { operation, source }.into(),
            None => Failure::Failed(error).into(),
        },
    }
}

/// Fails if a body returned `Ok` although an operation failed, because the server has ended its transaction.
pub(super) async fn check_ignored_error(database: &Database, tx: &Tx, began: Instant) -> Result<(), Attempt> {
    let Some((operation, source)) = tx.first_error() else { return Ok(()) };
    Err(match judge(&source, outlived(database, &source, began).await) {
        Verdict::Transient(error) => Attempt::Transient(error),
        Verdict::Permanent(error) => error.into(),
        Verdict::Ordinary => Error::IgnoredError { operation, source }.into(),
    })
}

/// Returns whether a transaction was lost because it exceeded the server's lifetime limit.
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
