//! Why a body cannot go on: kept, so that every later call is refused with the same error.

use std::time::Duration;

use mongodb::error::Error as DriverError;

use crate::display::Elapsed;
use crate::error::Error;
use crate::options::invalid;

/// An error that can be told more than once.
#[derive(Clone, Debug)]
pub(crate) enum Stuck {
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
    /// The body has set a limit of time that makes no sense.
    Limit(Duration),
    Refused(String),
}

impl Stuck {
    /// As the body that goes on after it fails with it.
    pub(crate) fn ignored(self) -> Error {
        match self {
            Self::Server { doing, source } => Error::IgnoredError { operation: doing, source },
            other => other.into(),
        }
    }
}

impl From<Stuck> for Error {
    fn from(stuck: Stuck) -> Self {
        match stuck {
            Stuck::Server { doing, source } => Self::server(doing, source),
            Stuck::Changed { position, recorded, now, same_code } => {
                Self::BodyChanged { position, recorded, now, same_code }
            }
            Stuck::InDoubt { position, operation, found } => Self::InDoubt { position, operation, found },
            Stuck::Limit(limit) => {
                invalid("max_time", Elapsed(limit).to_string(), "a duration from 1 millisecond to 24 days")
            }
            Stuck::Refused(why) => Self::Refused(why),
        }
    }
}
