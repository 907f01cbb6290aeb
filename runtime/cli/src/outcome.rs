//! The result of a command that changes something.

use mongrate::json;
use mongrate::record::Act;
use mongrate::report::{Execution, Outcome, Report};

use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::session::Session;

/// Prints the report of a successful run, whose steps were printed while they ran. Fails if a dry run found a failure.
pub(super) fn print(session: &Session, report: &Report) -> Result<Exit, Failure> {
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
        let is_shown = |execution: &&Execution| match execution.outcome {
            Outcome::Applied => execution.attempts == 0,
            Outcome::Underway => true,
            _ => false,
        };
        for execution in report.executions().filter(is_shown) {
            output.remark(execution);
        }
        for (id, act) in report.amended() {
            output.outcome(format_args!("{id}: {}", description(*act)))?;
        }
        output.outcome(report.summary())?;
    }
    let would_fail = report.executions().any(|execution| matches!(execution.outcome, Outcome::WouldFail));
    Ok(if would_fail { Exit::Failed } else { Exit::Done })
}

/// Prints what the progress of a failed run has not shown yet.
pub(super) fn print_rest(output: Output, report: &Report) -> Result<(), Failure> {
    if report.is_dry_run() {
        // It is the result, even if the run would fail.
        return output.print(report);
    }
    if let Some(stopped) = report.stopped() {
        output.remark(stopped);
    }
    for (id, act) in report.amended() {
        output.remark(format_args!("{id}: {}", description(*act)));
    }
    for id in report.not_run() {
        output.remark(format_args!("not run  {id}"));
    }
    for warning in report.warnings() {
        output.warning(warning);
    }
    // The summary of an empty report would say that there was nothing to do.
    if !(report.is_empty() && report.not_run().is_empty()) {
        output.remark(report.summary());
    }
    Ok(())
}

/// What happened to a record.
fn description(act: Act) -> &'static str {
    match act {
        Act::MarkPending => "marked as pending",
        Act::Cancel => "canceled",
        Act::Restart => "starts from the beginning with the next `up`",
        Act::Accept => "accepted",
        Act::Prune => "record removed",
        _ => "marked as applied",
    }
}

/// The answer to a confirmation was no.
pub(super) fn declined(session: &Session) -> Result<Exit, Failure> {
    if session.output.is_json() {
        return Err(Failure::new(Exit::Failed, "declined", "not confirmed; nothing was changed"));
    }
    session.output.remark("Nothing was changed.");
    Ok(Exit::Failed)
}
