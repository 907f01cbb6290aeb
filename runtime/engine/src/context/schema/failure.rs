//! The reason why a body cannot go on. It is kept, so that every later call fails with the same error.

use std::time::Duration;

use mongodb::error::Error as DriverError;

use crate::display::Elapsed;
use crate::error::Error;
use crate::options::invalid;

/// An error that can be returned more than once.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Server {
        doing: String,
        source: DriverError,
    },
    Changed {
        position: usize,
        recorded: String,
        now: Option<String>,
        same_code: bool,
    },
    InDoubt {
        position: usize,
        operation: String,
        found: String,
    },
    /// The body has set a time limit out of range.
    Limit(Duration),
    Refused(String),
}

impl Failure {
    /// Returns the error of a body that ignored this one.
    pub(crate) fn ignored(self) -> Error {
        match self {
            Self::Server { doing, source } => Error::IgnoredError { operation: doing, source },
            other => other.into(),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Server { doing, source } => Self::server(doing, source),
            Failure::Changed { position, recorded, now, same_code } => {
                Self::BodyChanged { position, recorded, now, same_code }
            }
            Failure::InDoubt { position, operation, found } => Self::InDoubt { position, operation, found },
            Failure::Limit(limit) => {
                invalid("max_time", Elapsed(limit).to_string(), "a duration from 1 millisecond to 24 days")
            }
            Failure::Refused(why) => Self::Refused(why),
        }
    }
}
