//! Failures of a step, classified by their consequence.

use mongodb::error::{Error as DriverError, TRANSIENT_TRANSACTION_ERROR};

use crate::error::{Class, Cure, Error, class, readable};
use crate::migration::registration::BoxError;
use crate::stop::Reason;

/// A failure of a step.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The migration failed, which is recorded.
    Failed(BoxError),
    /// The run was stopped. Nothing more is written.
    Stopped(Reason),
}

impl Failure {
    pub(super) fn server(doing: &str, error: DriverError) -> Self {
        Self::Failed(Error::server(doing, error).into())
    }

    /// Returns whether a fail-over or a broken connection was in the way of a read, or of a write that may be repeated.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Failed(error) if error.downcast_ref().is_some_and(Error::is_transient))
    }

    /// Returns whether the step was refused before its body ran.
    pub(super) fn leaves_nothing(&self) -> bool {
        matches!(self, Self::Failed(error) if matches!(error.downcast_ref(), Some(Error::PartiallyReverted { .. })))
    }

    /// Returns whether it is unknown if the transaction was committed.
    pub(super) fn leaves_unknown(&self) -> bool {
        matches!(self, Self::Failed(error) if matches!(error.downcast_ref(), Some(Error::CommitUnknown { .. })))
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        match reason {
            // The lease is still held, so this is a failure of the migration like any other.
            Reason::TimedOut(limit) => Self::Failed(Error::TimedOut { limit }.into()),
            Reason::RunTimedOut(limit) => Self::Failed(Error::RunTimedOut { limit, report: Box::default() }.into()),
            Reason::LeaseLost | Reason::WaitTimedOut(_) | Reason::Interrupted | Reason::Requested | Reason::Dropped => {
                Self::Stopped(reason)
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(error) => f.write_str(&readable(&**error)),
            Self::Stopped(reason) => write!(f, "{reason}"),
        }
    }
}

/// The meaning of an error for its transaction.
pub(super) enum Verdict {
    /// The transaction can be retried.
    Transient(DriverError),
    /// A retry would fail the same way.
    Permanent(Error),
    /// No special meaning.
    Ordinary,
}

/// Classifies an error inside a transaction. `outlived` is true if the transaction exceeded the server's lifetime limit.
pub(super) fn judge(error: &DriverError, outlived: bool) -> Verdict {
    let source = || error.clone();
    match class(error) {
        Class::Cured(Cure::Faster) => Verdict::Permanent(Error::TransactionTooSlow { source: source() }),
        // The server labels this transient, but a body that is too slow would be retried forever.
        _ if outlived => Verdict::Permanent(Error::TransactionTooSlow { source: source() }),
        Class::Cured(Cure::Smaller) => Verdict::Permanent(Error::TransactionTooLarge { source: source() }),
        Class::Cured(Cure::OutsideTransactions) => Verdict::Permanent(Error::OutsideTransactions { source: source() }),
        _ if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => Verdict::Transient(source()),
        _ => Verdict::Ordinary,
    }
}

/// Finds a driver error in the source chain of an error.
pub(super) fn driver_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e DriverError> {
    std::iter::successors(Some(error), |error| (*error).source()).find_map(|link| link.downcast_ref())
}
