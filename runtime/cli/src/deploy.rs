//! `deploy`

use std::fmt;

use clap::Args;
use mongrate::json;
use mongrate::migrator::{Finding, Problem, Validation};
use mongrate::report::Report;
use serde::Serialize;

use super::exit::Exit;
use super::failure::Failure;
use super::invocation::migrate;
use super::options::Writing;
use super::progress;
use super::session::Session;

#[derive(Clone, Debug, Args)]
pub(super) struct Deploy {
    /// Wait until backfills are completed, instead of only starting them; exit with code 6 if one is paused or cannot be worked on
    #[arg(long)]
    wait: bool,

    #[command(flatten)]
    writing: Writing,
}

/// The result of a deployment. `Display` is one line for a log.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    applied: usize,
    failed: usize,
    /// Number of backfills that go on after the deployment.
    underway: usize,
    /// Number of linked-in migrations.
    total: usize,
    /// The report of the run, if there was one.
    report: Option<json::Report<'a>>,
    /// The last validation, unless the run failed before it.
    validation: Option<json::Validation<'a>>,
}

impl Deploy {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator_for(&self.writing).await?;
        let total = migrator.registry().len();
        let before = migrator.validate().await?;
        let obstacles: Vec<_> = before.findings().iter().filter(|one| is_wrong(one) && !may_be_fixed(one)).collect();
        if !obstacles.is_empty() {
            let summary = Summary::new(total, None, Some(&before));
            return end(session, &summary, Some(found("nothing was applied, because validation failed", &obstacles)));
        }
        let up = migrator.up().continue_on_error(!session.environment()?.stop_on_error);
        let mut up = up.background(!self.wait);
        if let Some(name) = self.writing.by() {
            up = up.by(name);
        }
        let report = match progress::run(session, migrator, up).await {
            Ok(report) => report,
            Err(error) => {
                let report = error.report().cloned();
                return end(session, &Summary::new(total, report.as_ref(), None), Some(error.into()));
            }
        };
        let after = match migrator.validate().await {
            Ok(after) => after,
            Err(error) => return end(session, &Summary::new(total, Some(&report), None), Some(error.into())),
        };
        for warning in report.warnings().iter().filter(|_| !session.output.is_json()) {
            session.output.warning(warning);
        }
        let left: Vec<_> = after.findings().iter().filter(|one| is_wrong(one)).collect();
        let failure =
            (!left.is_empty()).then(|| found("pending migrations were applied, but validation failed", &left));
        let summary = Summary::new(total, Some(&report), Some(&after));
        // Somebody has paused one, or its code is another.
        let is_left = self.wait && summary.underway > 0 || !report.blocking().is_empty();
        let exit = end(session, &summary, failure)?;
        Ok(if is_left { Exit::Underway } else { exit })
    }
}

/// After a rollback to an older version of the application, the migrations of the newer one are orphans: a warning of the run,
/// but no reason to stop.
fn is_wrong(finding: &Finding) -> bool {
    finding.problem != Problem::Orphan
}

/// Whether a pending migration may fix the finding, such as a difference. What remains is found afterwards.
fn may_be_fixed(finding: &Finding) -> bool {
    finding.problem.is_fixed_by_up() || matches!(finding.problem, Problem::Differs { .. })
}

/// Prints the summary line or the JSON document.
fn end(session: &Session, summary: &Summary<'_>, failure: Option<Failure>) -> Result<Exit, Failure> {
    if !session.output.is_json() {
        session.output.outcome(summary)?;
    } else if failure.is_none() {
        session.output.json(summary)?;
    }
    failure.map_or(Ok(Exit::Done), |failure| Err(failure.with(summary)))
}

fn found(what: &str, findings: &[&Finding]) -> Failure {
    let findings: Vec<_> =
        findings.iter().map(|one| format!("\n  {}: {}", one.id, one.problem.description())).collect();
    Failure::new(Exit::Failed, "invalid", format!("{what}:{}", findings.concat()))
        .help(format!("`{} validate` shows what to do about it", migrate()))
}

impl<'a> Summary<'a> {
    fn new(total: usize, report: Option<&'a Report>, validation: Option<&'a Validation>) -> Self {
        Self {
            applied: report.map_or(0, |report| report.applied().count()),
            failed: report.map_or(0, |report| report.failed().count()),
            underway: report.map_or(0, |report| report.underway().len()),
            total,
            report: report.map(json::Report::of),
            validation: validation.map(json::Validation::of),
        }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Applied: {}, Failed: {}", self.applied, self.failed)?;
        if self.underway > 0 {
            write!(f, ", Underway: {}", self.underway)?;
        }
        write!(f, ", Total: {}", self.total)
    }
}
