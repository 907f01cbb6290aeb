//! Classification of errors, ours and the driver's.

use std::error::Error as StdError;

use mongodb::error::{Error as DriverError, ErrorKind};

use super::codes::{self, Class, Cure};
use super::readable::refused;
use super::{Error, quoted};

impl Error {
    /// Converts a driver's error by what to do about it.
    pub(crate) fn server(doing: impl Into<String>, source: DriverError) -> Self {
        let doing = doing.into();
        match (class(&source), &*source.kind) {
            (Class::Now, _) | (_, ErrorKind::ServerSelection { .. }) => Self::Unreachable { doing, source },
            (Class::Cured(Cure::Credentials | Cure::Privileges), _) => Self::NotAuthorized { doing, source },
            _ => Self::Server { doing, source },
        }
    }

    /// The class of this error; `None` if it depends on the source.
    fn own_class(&self) -> Option<Class> {
        match self {
            Self::Unreachable { source, .. } | Self::NotAuthorized { source, .. } | Self::Server { source, .. } => {
                Some(class(source))
            }
            Self::TransactionAborted { .. }
            | Self::CommitUnknown { .. }
            | Self::TimedOut { .. }
            | Self::RunTimedOut { .. } => Some(Class::Later),
            Self::TransactionTooSlow { .. } => Some(Class::Cured(Cure::Faster)),
            Self::TransactionTooLarge { .. } => Some(Class::Cured(Cure::Smaller)),
            Self::OutsideTransactions { .. } => Some(Class::Cured(Cure::OutsideTransactions)),
            _ => None,
        }
    }

    /// Whether an idempotent command that failed with this error should be sent again at once.
    pub(crate) fn is_transient(&self) -> bool {
        self.own_class() == Some(Class::Now)
    }

    /// Whether the server is temporarily unavailable: it cannot be reached, or refuses for a transient reason. A run that had not begun may
    /// be tried again a little later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Server { .. })
            && matches!(self.own_class(), Some(Class::Now | Class::Later))
    }

    /// Whether this error is a server's answer.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self, Self::Unreachable { source, .. } | Self::Server { source, .. } if code(source).is_some())
    }

    /// Converts into a driver's error, for signatures that require one.
    pub(crate) fn into_driver(self) -> DriverError {
        DriverError::custom(self.to_string())
    }
}

impl From<DriverError> for Error {
    fn from(source: DriverError) -> Self {
        Self::server("run a database operation", source)
    }
}

/// The server's error code.
pub(crate) fn code(error: &DriverError) -> Option<i32> {
    refused(&error.kind).map(|refused| refused.code)
}

/// Classifies an error of the driver.
pub(crate) fn class(error: &DriverError) -> Class {
    let by_code = refused(&error.kind).map(|refused| codes::class(refused.code, refused.message));
    match (&*error.kind, by_code) {
        (ErrorKind::Authentication { .. }, _) => Class::Cured(Cure::Credentials),
        (ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. }, _) => Class::Now,
        (ErrorKind::ServerSelection { .. }, _) => Class::Later,
        (_, Some(class)) if class != Class::Permanent => class,
        // Every label says that something may be repeated.
        _ if !error.labels().is_empty() => Class::Later,
        _ => Class::Permanent,
    }
}

/// Whether the error comes from a fail-over or a broken connection, so that an idempotent command should be sent again.
pub(crate) fn is_transient(error: &DriverError) -> bool {
    class(error) == Class::Now
}

/// Whether a migration would probably fail with the same error if it ran again at once. Errors from a fail-over, a broken
/// connection, a conflict or a time limit are transient.
pub(crate) fn is_permanent(error: &(dyn StdError + 'static)) -> bool {
    let mut links = std::iter::successors(Some(error), |error| (*error).source());
    let class = links.find_map(|link| match (link.downcast_ref::<Error>(), link.downcast_ref::<DriverError>()) {
        (Some(ours), _) => ours.own_class(),
        (_, Some(driver)) => Some(class(driver)),
        (None, None) => quoted::class(&link.to_string()),
    });
    !matches!(class, Some(Class::Now | Class::Later))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_depends_on_the_load_is_not_permanent() {
        let permanent = |error: anyhow::Error| is_permanent(&*Box::<dyn StdError + Send + Sync>::from(error));
        assert!(permanent(anyhow::anyhow!("told to fail").context("in the body")));
        let driver = || DriverError::custom("no such plugin".to_owned());
        assert!(permanent(driver().into()));
        let timed_out = Error::TimedOut { limit: std::time::Duration::from_secs(1) };
        assert!(!is_permanent(&timed_out));
        assert!(!is_permanent(&Error::TransactionAborted { attempts: 10, source: driver() }));
        let broken = || DriverError::from(std::io::Error::other("reset"));
        assert!(!is_permanent(&broken()));
        assert!(!permanent(broken().into()));
    }

    /// Although the label of its source asks for another attempt.
    #[test]
    fn what_is_known_to_fail_again_is_permanent() {
        assert!(is_permanent(&Error::TransactionTooSlow { source: DriverError::from(std::io::Error::other("reset")) }));
    }
}
