//! `deploy`: for a step of the deployment.

use clap::Args;
use serde::Serialize;

use super::exit::Exit;
use super::failure::Failure;
use super::options::Writing;
use super::session::Session;
use super::{migrate, progress, validate};
use crate::{Finding, Report, Validation, wire};

#[derive(Clone, Debug, Args)]
pub(super) struct Deploy {
    #[command(flatten)]
    writing: Writing,
}

/// What became of a deployment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    applied: usize,
    failed: usize,
    /// How many migrations are linked in.
    total: usize,
    report: wire::Report<'a>,
    validation: wire::Validation<'a>,
}

impl Deploy {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator_waiting(self.writing.lock_wait).await?;
        let before = migrator.validate().await?;
        let obstacles = before.findings().iter().filter(|finding| !finding.problem.is_cured_by_up());
        let obstacles: Vec<&Finding> = obstacles.collect();
        if !obstacles.is_empty() {
            return Err(refused(&obstacles));
        }
        let mut up = migrator.up().continue_on_error(!session.environment.stop_on_error);
        if let Some(name) = self.writing.by() {
            up = up.by(name);
        }
        let result = progress::shown(session, migrator, up).await;
        let total = migrator.registry().len();
        match result {
            Ok(report) => {
                let after = migrator.validate().await?;
                told(session, &report, &after, total)
            }
            Err(error) => {
                if let Some(report) = error.report().filter(|_| !session.output.is_json()) {
                    session.output.outcome(line(report, total))?;
                }
                Err(error.into())
            }
        }
    }
}

fn told(session: &Session, report: &Report, after: &Validation, total: usize) -> Result<Exit, Failure> {
    let output = &session.output;
    if output.is_json() {
        output.json(&Summary {
            applied: report.applied().count(),
            failed: report.failed().count(),
            total,
            report: wire::Report::of(report),
            validation: wire::Validation::of(after),
        })?;
    } else {
        for warning in report.warnings() {
            output.warning(warning);
        }
        if !after.is_valid() {
            validate::show(session, after)?;
        }
        output.outcome(line(report, total))?;
    }
    Ok(if after.is_valid() { Exit::Done } else { Exit::Failed })
}

fn line(report: &Report, total: usize) -> String {
    format!("Applied: {}, Failed: {}, Total: {total}", report.applied().count(), report.failed().count())
}

fn refused(obstacles: &[&Finding]) -> Failure {
    let findings: Vec<_> = obstacles.iter().map(|finding| format!("\n  {finding}")).collect();
    let message = format!("nothing was applied, because validation found this:{}", findings.concat());
    Failure::new(Exit::Failed, "invalid", message).help(format!("`{} validate` looks again", migrate()))
}
