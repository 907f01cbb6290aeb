//! Dry runs of `up` and `down`.

use super::run::{Run, stopped};
use super::steps::conclude;
use crate::error::Error;
use crate::executor::DryRun;
use crate::plan::Plan;
use crate::report::Report;
use crate::stop::Reason;

impl Run {
    /// Simulates a plan. `report` is empty, with warnings.
    pub(super) async fn rehearse(&self, plan: &Plan, continue_on_error: bool, report: Report) -> Result<Report, Error> {
        let report = report.into_dry_run();
        if plan.is_empty() {
            return Ok(report);
        }
        match self.simulate(plan, continue_on_error, report).await? {
            (report, Some(reason)) => Err(stopped(reason, report)),
            (report, None) => conclude(report),
        }
    }

    async fn simulate(
        &self,
        plan: &Plan,
        continue_on_error: bool,
        report: Report,
    ) -> Result<(Report, Option<Reason>), Error> {
        let inner = &self.migrator.0;
        let dry_run = DryRun {
            database: &inner.database,
            options: &inner.options.for_dry_run(),
            stop: &self.stop,
            deadline: self.deadline,
            transactional: self.migrator.has_transactions().await?,
            continue_on_error,
        };
        dry_run.run(&self.graph, plan, report).await
    }
}
