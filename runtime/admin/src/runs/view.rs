//! A run as it is shown.

use mongrate::error::Error;
use mongrate::json;
use mongrate::migration::Direction;
use mongrate::record::Holder;
use mongrate::report::Report;
use serde::Serialize;
use serde_json::Value;

use std::sync::Arc;

use super::id::RunId;
use super::progress::Done;
use crate::problem::{Problem, value};

/// A run, as this process or the database knows it.
#[derive(Clone, Debug)]
pub(crate) struct RunView {
    pub(crate) id: RunId,
    pub(crate) state: RunState,
    /// `None` if only the lease is known.
    pub(crate) verb: Option<Direction>,
    pub(crate) dry_run: bool,
    pub(crate) by: Option<String>,
    pub(crate) because: Option<String>,
    /// The process that runs it, or that it waits for.
    pub(crate) holder: Option<Runner>,
    /// Qualified id of the migration that is running.
    pub(crate) current: Option<String>,
    /// The newest operations of the migration that is running.
    pub(crate) operations: Vec<String>,
    /// What has run. `None` if it is not known here.
    pub(crate) done: Option<Vec<Done>>,
    /// Qualified ids in order. `None` if the plan is not known here.
    pub(crate) planned: Option<Vec<String>>,
    /// Of a run of this process that has ended.
    pub(crate) report: Option<Arc<Report>>,
    pub(crate) error: Option<Problem>,
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RunState {
    Running,
    /// It waits for another process.
    Waiting,
    Ended,
    Failed,
    Stopped,
    /// Its process died, or was cut off.
    Lost,
}

/// A process that runs something.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Runner {
    pub(crate) host: String,
    pub(crate) pid: i64,
    pub(crate) actor: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) current: Option<String>,
    pub(crate) expired: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shape<'a> {
    id: RunId,
    state: RunState,
    verb: Option<String>,
    dry_run: bool,
    by: Option<&'a str>,
    because: Option<&'a str>,
    holder: Option<&'a Runner>,
    current: Option<&'a str>,
    operations: &'a [String],
    done: Option<&'a [Done]>,
    planned: Option<&'a [String]>,
    report: Option<Value>,
    error: Option<&'a Problem>,
}

impl RunView {
    /// The JSON shape `run`. The report of a dry run quotes documents, so it is for those who may make one.
    pub(crate) fn json(&self, quotes_documents: bool) -> Value {
        let report = self.report.as_ref().filter(|_| quotes_documents || !self.dry_run);
        value(&Shape {
            id: self.id,
            state: self.state,
            verb: self.verb.map(|verb| verb.to_string()),
            dry_run: self.dry_run,
            by: self.by.as_deref(),
            because: self.because.as_deref(),
            holder: self.holder.as_ref(),
            current: self.current.as_deref(),
            operations: &self.operations,
            done: self.done.as_deref(),
            planned: self.planned.as_deref(),
            report: report.map(|report| value(&json::Report::of(report))),
            error: self.error.as_ref(),
        })
    }

    /// Returns whether it may still change something.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, RunState::Running | RunState::Waiting)
    }
}

impl RunState {
    /// Of a run that ended with this error.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Interrupted { .. } => Self::Stopped,
            Error::LeaseLost { .. } => Self::Lost,
            _ => Self::Failed,
        }
    }
}

impl From<&Holder> for Runner {
    fn from(holder: &Holder) -> Self {
        Self {
            host: holder.host.clone(),
            pid: holder.pid,
            actor: holder.actor.clone(),
            since: holder.since.try_to_rfc3339_string().ok(),
            current: holder.current.clone(),
            expired: holder.expired,
        }
    }
}
