//! Whether there is anything to do: the beginning of a run without the rest.

use super::Up;
use crate::Error;
use crate::report::Report;

impl Up {
    /// A report of nothing, or [`Error::Pending`]. One read, no writes.
    pub(in crate::migrator) async fn check(self) -> Result<Report, Error> {
        let graph = self.migrator.graph()?;
        let records = self.migrator.0.tracker.records().await?;
        self.accept(&graph, &records)?;
        let plan = self.plan(&graph, &records)?;
        if plan.is_empty() {
            return Ok(self.report(&graph, &records, &plan));
        }
        Err(Error::Pending { ids: plan.iter().map(|step| step.migration().id().to_owned()).collect() })
    }
}
