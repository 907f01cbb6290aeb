//! `validate`

use clap::Args;
use mongrate::json;
use mongrate::migrator::{Finding, Problem};

use super::exit::Exit;
use super::failure::{Failure, partially_applied};
use super::ink::{GREEN, RED, YELLOW};
use super::invocation::migrate;
use super::session::Session;

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
                output.print(format_args!("  {} {}", GREEN.paint("help:"), fix(finding)))?;
            }
            for Finding { id, problem, .. } in validation.notices() {
                output.print(format_args!("{} {}", YELLOW.paint(format_args!("{id}:")), problem.description()))?;
            }
            output.print(validation.summary())?;
        }
        Ok(if validation.is_valid() { Exit::Done } else { Exit::Failed })
    }
}

/// The command that fixes a finding.
fn fix(finding: &Finding) -> String {
    let (m, id) = (migrate(), &finding.id);
    match &finding.problem {
        Problem::Missing { .. } => {
            format!("apply it with `{m} up`; if it is already applied, record that with `{m} mark applied {id}`")
        }
        Problem::Modified { .. } => {
            format!("undo the change and write a new migration instead, or accept it with `{m} accept {id}`")
        }
        Problem::Orphan => format!("link it in, or remove its record with `{m} prune {id}` if it is permanently gone"),
        Problem::Interrupted => {
            format!("`{m} up {id}` runs it again, unless its `verify` function finds its effect")
        }
        Problem::Failed { applied: false, .. } => format!("fix the cause, then apply it with `{m} up {id}`"),
        Problem::Failed { applied: true, .. } => {
            format!("fix the cause, then revert it with `{m} down {id}` or leave it applied with `{m} accept {id}`")
        }
        Problem::PartiallyReverted => format!("`{m} down {id}` resumes its `down` where it stopped"),
        Problem::PartiallyApplied => partially_applied(&m, id),
        Problem::Unverifiable { .. } => format!("accept it with `{m} accept {id}` if it is known to be unchanged"),
        Problem::Differs { .. } => {
            format!("restore it, or write a migration that changes it; `{m} accept {id}` accepts the current state")
        }
        Problem::VerificationFailed { .. } => {
            format!("check the data and the `verify` function, or accept it with `{m} accept {id}`")
        }
        _ => format!("see `{m} show {id}`"),
    }
}
