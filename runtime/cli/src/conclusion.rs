//! The end of a command: an error with its help, and the exit code.

use mongrate::json;
use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::ink::{BOLD_BLUE, BOLD_GREEN, BOLD_RED};
use super::outcome;
use super::output::Output;

/// Prints the error of a failed command. Returns the exit code.
pub(super) fn conclude(output: Output, result: Result<Exit, Failure>) -> Exit {
    let failure = match result {
        Ok(exit) => return exit,
        Err(failure) => failure,
    };
    if let Err(unwritten) = print_result(output, &failure) {
        output.insist(unwritten.message);
    }
    print_error(output, &failure);
    failure.exit
}

/// What the command has to print although it failed.
fn print_result(output: Output, failure: &Failure) -> Result<(), Failure> {
    if output.is_json() {
        let report = || failure.report.as_ref().map(|report| json!(json::Report::of(report)));
        let mut document = failure.document.as_deref().cloned().or_else(report).unwrap_or_else(|| json!({}));
        document["error"] = error(failure);
        return output.json(&document);
    }
    failure.report.as_ref().map_or(Ok(()), |report| outcome::print_rest(output, report))
}

fn print_error(output: Output, failure: &Failure) {
    output.insist(format_args!("{}: {}", BOLD_RED.paint("error"), failure.message));
    if let Some((file, line)) = failure.at {
        output.insist(format_args!("  {} {file}:{line}", BOLD_BLUE.paint("-->")));
    }
    if output.verbose > 0 {
        for cause in &failure.causes {
            output.insist(format_args!("  {} {cause}", BOLD_BLUE.paint("because")));
        }
    }
    for help in failure.help.iter().flat_map(|help| help.lines()) {
        output.insist(format_args!("{}: {help}", BOLD_GREEN.paint("help")));
    }
}

fn error(failure: &Failure) -> Value {
    json!(json::Error {
        code: failure.code,
        exit: failure.exit.code(),
        message: &failure.message,
        causes: &failure.causes,
        help: failure.help.as_deref(),
    })
}
