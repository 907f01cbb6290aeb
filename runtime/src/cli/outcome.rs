//! How a command that changes something tells what it did.

use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::session::Session;
use crate::{Report, wire};

/// A run that ended well. Its steps were told while they ran.
pub(super) fn tell(session: &Session, report: &Report) -> Result<Exit, Failure> {
    let output = &session.output;
    if output.is_json() {
        output.json(&wire::Report::of(report))?;
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
        for (id, act) in report.amended() {
            output.outcome(format_args!("{act}  {id}"))?;
        }
        output.outcome(report.summary())?;
    }
    Ok(Exit::Done)
}

/// A run that did not end well: what its progress has not told yet.
pub(super) fn tell_rest(output: &Output, report: &Report) {
    if report.is_dry_run() {
        return output.remark(report);
    }
    if let Some(stopped) = report.stopped() {
        output.remark(stopped);
    }
    for (id, act) in report.amended() {
        output.remark(format_args!("{act}  {id}"));
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
}

/// Somebody was asked, and said no.
pub(super) fn declined(session: &Session) -> Exit {
    session.output.remark("Nothing was changed.");
    Exit::Failed
}
