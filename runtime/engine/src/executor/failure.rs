//! Why a step did not end well, sorted by what follows from it.

use mongodb::error::{Error as DriverError, TRANSIENT_TRANSACTION_ERROR};

use crate::error::{Class, Cure, Error, class, readable};
use crate::migration::registration::BoxError;
use crate::stop::Reason;

/// A failure of a step.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The migration failed: goes on record.
    Failed(BoxError),
    /// The run was stopped: nothing more is written.
    Stopped(Reason),
}

impl Failure {
    pub(super) fn server(doing: &str, error: DriverError) -> Self {
        Self::Failed(Error::server(doing, error).into())
    }

    /// Whether nothing was run.
    pub(super) fn leaves_all_as_it_was(&self) -> bool {
        matches!(self, Self::Failed(error) if matches!(error.downcast_ref(), Some(Error::PartiallyReverted { .. })))
    }

    /// Whether nobody knows if the transaction was committed.
    pub(super) fn leaves_unknown(&self) -> bool {
        matches!(self, Self::Failed(error) if matches!(error.downcast_ref(), Some(Error::CommitUnknown { .. })))
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        match reason {
            // The lease is still ours, so this one is a failure of the migration like any other.
            Reason::TimedOut(limit) => Self::Failed(Error::TimedOut { limit }.into()),
            Reason::RunTimedOut(limit) => Self::Failed(Error::RunTimedOut { limit, report: Box::default() }.into()),
            Reason::LeaseLost | Reason::WaitTimedOut(_) | Reason::Interrupted | Reason::Dropped => {
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

/// What an error inside a transaction means for it.
pub(super) enum Verdict {
    /// The server asks for another attempt.
    Again(DriverError),
    /// Another attempt would fail the same way.
    Final(Error),
    /// Nothing special.
    Ordinary,
}

/// Judges an error inside a transaction; `outlived` tells whether it has lasted longer than the server allows.
pub(super) fn judge(error: &DriverError, outlived: bool) -> Verdict {
    let source = || error.clone();
    match class(error) {
        Class::Cured(Cure::Faster) => Verdict::Final(Error::TransactionTooSlow { source: source() }),
        // The server has ended the transaction and forgotten it, and labels this transient; a body that is too slow
        // would be run again for ever.
        _ if outlived => Verdict::Final(Error::TransactionTooSlow { source: source() }),
        Class::Cured(Cure::Smaller) => Verdict::Final(Error::TransactionTooLarge { source: source() }),
        Class::Cured(Cure::OutsideTransactions) => Verdict::Final(Error::OutsideTransactions { source: source() }),
        _ if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => Verdict::Again(source()),
        _ => Verdict::Ordinary,
    }
}

/// The driver's error somewhere in a body's error.
pub(super) fn driver_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e DriverError> {
    std::iter::successors(Some(error), |error| (*error).source()).find_map(|link| link.downcast_ref())
}
