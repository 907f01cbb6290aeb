//! The texts of a report for people.

use std::fmt;

use super::{Execution, Outcome, Purpose, Remains, Report};
use crate::display::Elapsed;
use crate::migration::Direction;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dry_run {
            return self.fmt_dry_run(f);
        }
        for execution in &self.executions {
            writeln!(f, "{execution}")?;
        }
        for (id, act) in &self.amended {
            writeln!(f, "{act}  {id}")?;
        }
        for id in &self.not_run {
            writeln!(f, "not run  {id}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        write!(f, "{}", self.summary())
    }
}

/// The last line of a report.
struct Summary<'r>(&'r Report);

impl Report {
    /// The last line of its `Display`, with the numbers of migrations that were applied or reverted, failed, or were not run.
    #[must_use]
    pub fn summary(&self) -> impl fmt::Display {
        Summary(self)
    }

    fn fmt_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dry_run {
            return self.fmt_simulated_summary(f);
        }
        if !(self.amended.is_empty() || self.purpose == Purpose::Amend) {
            write!(f, "Recorded {} as applied. ", self.amended.len())?;
        }
        let (done, did, nothing) = match self.purpose {
            Purpose::Up => (self.applied().count(), "Applied", "Nothing is pending."),
            Purpose::UpNamed => (self.applied().count(), "Applied", "Nothing to apply: already applied."),
            Purpose::Down => (self.reverted().count(), "Reverted", "Nothing to revert."),
            Purpose::Amend => (self.amended.len(), "Changed records:", "No record had to be changed."),
        };
        let stopped = usize::from(self.stopped().is_some());
        let underway = self.underway().len();
        let started = self.executions.iter().filter(|execution| matches!(execution.outcome, Outcome::Underway)).count();
        let failed = self.executions.len().saturating_sub(done + stopped + started);
        match (done, failed + stopped, self.not_run.len()) {
            (0, 0, 0) if self.finished_elsewhere => write!(f, "Another process has done everything already."),
            (0, 0, 0) if !self.waiting.is_empty() => write!(f, "Nothing to apply now; {} waiting.", self.waiting.len()),
            (0, 0, 0) if underway > 0 => return write_underway(f, underway),
            (0, 0, 0) => f.write_str(nothing),
            (_, 0, 0) => write!(f, "{did} {done}."),
            (_, _, not_run) if stopped > 0 => {
                write!(f, "{did} {done}, failed {failed}, stopped {stopped}, not run {not_run}.")
            }
            (_, _, not_run) => write!(f, "{did} {done}, failed {failed}, not run {not_run}."),
        }?;
        if underway > 0 {
            f.write_str(" ")?;
            write_underway(f, underway)?;
        }
        Ok(())
    }
}

fn write_underway(f: &mut fmt::Formatter<'_>, backfills: usize) -> fmt::Result {
    match backfills {
        1 => write!(f, "1 backfill is underway."),
        _ => write!(f, "{backfills} backfills are underway."),
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_summary(f)
    }
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, took) = (&self.id, Elapsed(self.duration));
        let down = if self.direction == Direction::Down { "down " } else { "" };
        match &self.outcome {
            Outcome::Applied if self.attempts == 0 => {
                write!(f, "applied  {id}: it took effect before it was interrupted")?;
            }
            Outcome::Applied => write!(f, "applied  {id} in {took}")?,
            Outcome::Reverted => write!(f, "reverted {id} in {took}")?,
            Outcome::Underway => {
                write!(f, "underway {down}{id}: ")?;
                if let Some(operation) = self.operations.first() {
                    write!(f, "'{}' is changed in batches; ", operation.collection)?;
                }
                f.write_str("this goes on without the migration lock")?;
            }
            Outcome::Failed { message, .. } => write!(f, "failed   {down}{id} after {took}: {message}")?,
            Outcome::Stopped { remains } => {
                let effect = match remains {
                    Remains::Nothing => "rolled back",
                    Remains::Unknown => "took effect completely or not at all",
                    Remains::Repeatable | Remains::Resumable | Remains::Partial | Remains::All => {
                        "its changes until then remain"
                    }
                };
                write!(f, "stopped  {down}{id} after {took}: {effect}")?;
            }
            Outcome::WouldApply | Outcome::WouldRevert | Outcome::WouldFail | Outcome::NotSimulated { .. } => {
                return self.fmt_simulated(f);
            }
        }
        if self.attempts > 1 {
            write!(f, " ({} attempts)", self.attempts)?;
        }
        Ok(())
    }
}
