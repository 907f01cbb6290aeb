//! The `Display` of the report of a dry run, suitable for a change request.

use std::fmt;

use super::{Execution, Outcome, Purpose, Report};
use crate::display::{Count, JsonDocument};
use crate::migration::Direction;
use crate::report::{Counts, LISTED, Operation, Sample};

impl Report {
    pub(super) fn fmt_dry_run(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for execution in &self.executions {
            execution.fmt_simulated(f)?;
            writeln!(f)?;
            operations(f, &execution.operations)?;
            for note in &execution.notes {
                writeln!(f, "    note: {note}")?;
            }
        }
        for id in &self.not_run {
            writeln!(f, "not run        {id}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        self.fmt_simulated_summary(f)
    }

    pub(super) fn fmt_simulated_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.count(|outcome| matches!(outcome, Outcome::WouldApply)), "would be applied"),
            (self.count(|outcome| matches!(outcome, Outcome::WouldRevert)), "would be reverted"),
            (self.count(|outcome| matches!(outcome, Outcome::WouldFail)), "would fail"),
            (self.count(|outcome| matches!(outcome, Outcome::Failed { .. })), "failed"),
            (self.count(|outcome| matches!(outcome, Outcome::Stopped { .. })), "stopped"),
            (self.count(|outcome| matches!(outcome, Outcome::NotSimulated { .. })), "could not be simulated"),
            (self.not_run.len(), "not run"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, outcome)| format!("{count} {outcome}")).collect();
        match (counts.is_empty(), self.purpose) {
            (false, _) => write!(f, "Dry run: {}; nothing was changed.", counts.join(", ")),
            (true, Purpose::Down) => f.write_str("Dry run: nothing to revert."),
            (true, _) if !self.waiting.is_empty() => {
                write!(f, "Dry run: nothing to apply now; {} waiting.", self.waiting.len())
            }
            (true, Purpose::UpNamed) => f.write_str("Dry run: nothing to apply, already applied."),
            (true, _) => f.write_str("Dry run: nothing is pending."),
        }
    }

    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.executions.iter().filter(|execution| is(&execution.outcome)).count()
    }
}

impl Execution {
    /// Writes the line of an execution in a dry run.
    pub(super) fn fmt_simulated(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.id;
        let down = if self.direction == Direction::Down { "down " } else { "" };
        match &self.outcome {
            Outcome::WouldApply => write!(f, "would apply    {id}"),
            Outcome::WouldRevert => write!(f, "would revert   {id}"),
            Outcome::WouldFail => write!(f, "would fail     {down}{id}"),
            Outcome::NotSimulated { reason } => write!(f, "not simulated  {down}{id}: {reason}"),
            Outcome::Failed { message, .. } => write!(f, "failed         {down}{id}: {message}"),
            Outcome::Stopped { .. } => write!(f, "stopped        {down}{id}"),
            // Never in a dry run.
            Outcome::Applied | Outcome::Reverted | Outcome::Underway => write!(f, "{id}"),
        }
    }
}

/// Writes the first operations one by one, and the others grouped by kind and collection.
fn operations(f: &mut fmt::Formatter<'_>, operations: &[Operation]) -> fmt::Result {
    let (listed, others) = operations.split_at(operations.len().min(LISTED));
    for operation in listed {
        writeln!(f, "    {operation}")?;
        for sample in &operation.samples {
            write!(f, "{sample}")?;
        }
        for note in &operation.notes {
            writeln!(f, "        {note}")?;
        }
    }
    let mut groups: Vec<(&Operation, u64, Counts)> = Vec::new();
    for operation in others {
        let same = |(first, ..): &&mut (&Operation, u64, Counts)| {
            first.kind == operation.kind && first.collection == operation.collection
        };
        match groups.iter_mut().find(same) {
            Some((_, times, counts)) => {
                *times += 1;
                counts.add(operation.counts);
            }
            None => groups.push((operation, 1, operation.counts)),
        }
    }
    for (Operation { kind, collection, .. }, times, counts) in groups {
        writeln!(f, "    and {collection}: {} × {kind}{counts}", Count(times))?;
    }
    Ok(())
}

/// One line for the document before the operation, and one for the document after it.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                writeln!(f, "        before   {}", JsonDocument(before))?;
                writeln!(f, "        after    {}", JsonDocument(after))
            }
            (Some(before), None) => writeln!(f, "        deleted  {}", JsonDocument(before)),
            (None, Some(after)) => writeln!(f, "        inserted {}", JsonDocument(after)),
            (None, None) => Ok(()),
        }
    }
}
