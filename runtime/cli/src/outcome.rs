//! How a command that changes something tells what it did.

use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::session::Session;
use mongrate::json;
use mongrate::record::Act;
use mongrate::report::{Outcome, Report};

/// A run that ended well. Its steps were told while they ran. That of a dry run may have found that in earnest it would not.
pub(super) fn tell(session: &Session, report: &Report) -> Result<Exit, Failure> {
    let output = &session.output;
    if output.is_json() {
        output.json(&json::Report::of(report))?;
    } else if report.is_dry_run() {
        output.print(report)?;
    } else {
        for warning in report.warnings() {
            output.warning(warning);
        }
        if output.verbose > 0 {
            for operation in report.executions().flat_map(|execution| &execution.operations) {
                output.remark(format_args!("  {operation}"));
            }
        }
        for execution in report.applied().filter(|execution| execution.attempts == 0) {
            output.remark(execution);
        }
        for (id, act) in report.amended() {
            output.outcome(format_args!("{id}: {}", said(*act)))?;
        }
        output.outcome(report.summary())?;
    }
    let would_fail = report.executions().any(|execution| matches!(execution.outcome, Outcome::WouldFail));
    Ok(if would_fail { Exit::Failed } else { Exit::Done })
}

/// A run that did not end well: what its progress has not told yet.
pub(super) fn print_rest(output: Output, report: &Report) -> Result<(), Failure> {
    if report.is_dry_run() {
        // It is what was asked for, all the same.
        return output.print(report);
    }
    if let Some(stopped) = report.stopped() {
        output.remark(stopped);
    }
    for (id, act) in report.amended() {
        output.remark(format_args!("{id}: {}", said(*act)));
    }
    for id in report.not_run() {
        output.remark(format_args!("not run  {id}"));
    }
    for warning in report.warnings() {
        output.warning(warning);
    }
    // It says that there was nothing to do when the run did not come to anything.
    if !(report.is_empty() && report.not_run().is_empty()) {
        output.remark(report.summary());
    }
    Ok(())
}

/// What has become of a record.
fn said(act: Act) -> &'static str {
    match act {
        Act::MarkPending => "marked as pending",
        Act::Accept => "accepted as it is",
        Act::Prune => "its record was removed",
        _ => "marked as applied",
    }
}

/// Somebody was asked, and said no.
pub(super) fn declined(session: &Session) -> Result<Exit, Failure> {
    if session.output.is_json() {
        return Err(Failure::new(Exit::Failed, "declined", "nothing was changed: the answer was no"));
    }
    session.output.remark("Nothing was changed.");
    Ok(Exit::Failed)
}
