//! `validate`

use clap::Args;

use super::exit::Exit;
use super::failure::{Failure, partially_applied};
use super::ink::{GREEN, RED, YELLOW};
use super::migrate;
use super::session::Session;
use mongrate::json;
use mongrate::migrator::{Finding, Problem};

#[derive(Clone, Debug, Args)]
pub(super) struct Validate {}

impl Validate {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let (output, validation) = (&session.output, session.migrator().await?.validate().await?);
        if output.is_json() {
            output.json(&json::Validation::of(&validation))?;
        } else {
            for finding in validation.findings() {
                let Finding { id, problem, .. } = finding;
                output.print(format_args!("{} {}", RED.paint(format_args!("{id}:")), problem.description()))?;
                output.print(format_args!("  {} {}", GREEN.paint("help:"), cure(finding)))?;
            }
            for Finding { id, problem, .. } in validation.notices() {
                output.print(format_args!("{} {}", YELLOW.paint(format_args!("{id}:")), problem.description()))?;
            }
            output.print(validation.summary())?;
        }
        Ok(if validation.is_valid() { Exit::Done } else { Exit::Failed })
    }
}

/// Which command to give.
fn cure(finding: &Finding) -> String {
    let (m, id) = (migrate(), &finding.id);
    match &finding.problem {
        Problem::Missing { .. } => {
            format!("`{m} up` applies it; if it is applied, `{m} mark applied {id}` says so")
        }
        Problem::Modified { .. } => {
            format!("undo the change and write a new migration instead, or `{m} accept {id}`")
        }
        Problem::Orphan => format!("link it in, or `{m} prune {id}` if it is gone for good"),
        Problem::Interrupted => {
            format!("`{m} up {id}` runs it again, unless its `verify` function says that it has had its effect")
        }
        Problem::Failed { applied: false, .. } => format!("correct the cause; then `{m} up {id}` applies it"),
        Problem::Failed { applied: true, .. } => {
            format!("correct the cause; then `{m} down {id}` reverts it, or `{m} accept {id}` leaves it applied")
        }
        Problem::PartiallyReverted => format!("`{m} down {id}` resumes its `down` where it stopped"),
        Problem::PartiallyApplied => partially_applied(&m, id),
        Problem::Unverifiable { .. } => format!("`{m} accept {id}` if it is known to be unchanged"),
        Problem::Differs { .. } => format!(
            "make it as it was, or write a migration that changes it; `{m} accept {id}` takes what is there for what it left"
        ),
        Problem::VerificationFailed { .. } => format!(
            "see what is wrong with the data, or with its `verify` function; `{m} accept {id}` accepts it as it is"
        ),
        _ => format!("see `{m} show {id}`"),
    }
}
