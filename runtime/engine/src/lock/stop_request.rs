//! A request to stop a run, which the lease document keeps until its holder has read it.

use std::fmt;

use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

/// A request to stop the run that holds the lease.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StopRequest {
    /// The person or program that made the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
    /// The reason that was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
    /// The time of the request (UTC, the server's clock).
    pub at: DateTime,
}

impl fmt::Display for StopRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stop was requested")?;
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        self.because.iter().try_for_each(|because| write!(f, ": {because}"))
    }
}
