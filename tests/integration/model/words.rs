//! What a deed is answered with, in words that the model can predict.

use mongrate::{Error, Report};

/// A result as one line.
pub(super) fn answer(result: &Result<Report, Error>) -> String {
    match result {
        Ok(report) => done(report),
        Err(error) => refusal(error),
    }
}

fn done(report: &Report) -> String {
    let ids = |ids: Vec<&str>| ids.join(" ");
    format!(
        "applied [{}] reverted [{}] failed [{}] left [{}] amended [{}]",
        ids(report.applied().map(|execution| &*execution.id).collect()),
        ids(report.reverted().map(|execution| &*execution.id).collect()),
        ids(report.failed().map(|execution| &*execution.id).collect()),
        ids(report.not_run().iter().map(String::as_str).collect()),
        ids(report.amended().iter().map(|(id, _)| &**id).collect()),
    )
}

fn refusal(error: &Error) -> String {
    match error {
        Error::Several { errors } => errors.iter().map(refusal).collect::<Vec<_>>().join("; "),
        Error::Failed { report, .. } => done(report),
        Error::Drift { ids } => format!("drift of {}", ids.join(" ")),
        Error::UnknownMigration { id, .. } => format!("{id} is unknown"),
        // If there are several, any of them will do.
        Error::ManualDependency { migration, .. } => format!("{migration} depends on a manual one"),
        Error::DependentsApplied { id, dependents, .. } => format!("{id} is needed by {}", dependents.join(" ")),
        Error::Irreversible { id, .. } => format!("{id} is irreversible"),
        Error::DependenciesPending { id, dependencies } => format!("{id} needs {}", dependencies.join(" ")),
        Error::NotAnOrphan { id } => format!("{id} is no orphan"),
        Error::OrphansAppliedLater { ids } => format!("orphans {}", ids.join(" ")),
        Error::NotApplied { id } => format!("{id} is not applied"),
        other => format!("unexpected: {other}"),
    }
}
