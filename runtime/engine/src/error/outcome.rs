//! What a caller can take from an error besides its texts.

use std::error::Error as _;

use super::Error;
use super::readable::{readable, source_chain};
use crate::display::redacted;
use crate::report::Report;

impl Error {
    /// The report of a run that ended with this error; `None` if the run had not begun.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Failed { report, .. }
            | Self::Partial { report, .. }
            | Self::LeaseLost { report, .. }
            | Self::RunTimedOut { report, .. }
            | Self::Unacknowledged { report, .. }
            | Self::Interrupted { report } => Some(report),
            _ => None,
        }
    }

    pub(crate) fn report_mut(&mut self) -> Option<&mut Report> {
        match self {
            Self::Failed { report, .. }
            | Self::Partial { report, .. }
            | Self::LeaseLost { report, .. }
            | Self::RunTimedOut { report, .. }
            | Self::Unacknowledged { report, .. }
            | Self::Interrupted { report } => Some(report),
            _ => None,
        }
    }

    /// Qualified id of the migration that has to be looked at; of several, the first.
    #[must_use]
    pub fn migration_id(&self) -> Option<&str> {
        match self {
            Self::UnreadableRecord { id, .. }
            | Self::Failed { id, .. }
            | Self::Partial { id, .. }
            | Self::NotUnderway { id }
            | Self::NotApplied { id } => Some(id),
            Self::Required { id, .. }
            | Self::PartiallyReverted { id }
            | Self::Irreversible { id, .. }
            | Self::DependentsApplied { id, .. }
            | Self::DependenciesPending { id, .. }
            | Self::NotAnOrphan { id }
            | Self::DuplicateId { id, .. }
            | Self::NotSelected { id }
            | Self::MissingDependency { migration: id, .. }
            | Self::UnselectedDependency { migration: id, .. }
            | Self::PlanChanged { migration: id, .. }
            | Self::ManualDependency { dependency: id, .. } => Some(id),
            Self::Drift { ids }
            | Self::AlreadyInEffect { ids }
            | Self::PartiallyApplied { ids }
            | Self::PartiallyAppliedElsewhere { ids }
            | Self::OrphansAppliedLater { ids } => ids.first().map(String::as_str),
            Self::Cycle { path } => path.first().copied(),
            _ => None,
        }
    }

    /// The chain of [sources](std::error::Error::source), outermost first: one line each, without the raw reply of the server.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        self.source().map(source_chain).unwrap_or_default()
    }

    /// The error for a log, without credentials. A body's error may quote stored data, so it is left to the record.
    pub(crate) fn redacted(&self) -> String {
        match self {
            Self::Failed { id, direction, .. } | Self::Partial { id, direction, .. } => {
                format!("{} failed; the record has the error", super::message::subject(*direction, id))
            }
            _ => redacted(&self.to_string()).into_owned(),
        }
    }

    /// Unwraps an error of ours out of a box; any other error becomes [`Refused`](Self::Refused).
    pub(crate) fn unboxed(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        match error.downcast() {
            Ok(ours) => *ours,
            Err(other) => Self::Refused(readable(&*other)),
        }
    }

    /// Returns Ok for no errors, the only error, or [`Several`](Self::Several).
    pub fn gather(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 | 1 => errors.pop().map_or(Ok(()), Err),
            _ => Err(Self::Several { errors }),
        }
    }
}
