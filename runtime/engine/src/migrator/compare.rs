//! Comparison of the database with the footprints of `Schema` migrations.

use std::collections::HashMap;

use super::{Finding, Migrator, Problem};
use crate::context::{Difference, Expectation, Footprint, compare};
use crate::error::Error;
use crate::executor::Executor;
use crate::migration::{Direction, Kind};
use crate::plan::Graph;
use crate::record::Record;
use crate::report::Report;
use crate::store::{Attached, Records};

impl Migrator {
    /// Returns the differences between the database and the recorded footprints. Sends one `listCollections`, and one
    /// `listIndexes` for each collection with expected indexes; all of them twice if anything differs.
    pub(super) async fn differences(
        &self,
        graph: &Graph,
        records: &Records,
        attached: &[Attached],
    ) -> Result<Vec<Difference>, Error> {
        let expectation = Expectation::on_record(records, attached)?;
        let mut differences = compare(&self.0.database, &expectation).await?;
        if !differences.is_empty() {
            // A running body may have changed the database between the two reads.
            let (records, attached) = self.0.tracker.all().await?;
            let again = compare(&self.0.database, &Expectation::on_record(&records, &attached)?).await?;
            differences.retain(|difference| again.contains(difference));
        }
        let opaque = opaque_executions(graph, records);
        for difference in &mut differences {
            difference.perhaps_by(&opaque);
        }
        self.0.compared.store(&differences);
        Ok(differences)
    }
}

impl Migrator {
    /// Returns the current footprints of the migrations whose recorded footprint differs from the database, by id.
    pub(super) async fn current_footprints(&self) -> Result<HashMap<String, Footprint>, Error> {
        let (records, attached) = self.0.tracker.all().await?;
        let expectation = Expectation::on_record(&records, &attached)?;
        let stored = |id: &str| {
            let attached = attached.iter().find(|attached| attached.id == id)?;
            Footprint::parse(id, attached.footprint.as_ref()?)
        };
        let mut footprints: HashMap<String, Footprint> = HashMap::new();
        for difference in compare(&self.0.database, &expectation).await? {
            let id = difference.id.clone();
            if !footprints.contains_key(&id) {
                footprints.extend(stored(&id).map(|stored| (id.clone(), stored)));
            }
            if let Some(footprint) = footprints.get_mut(&id) {
                difference.accept(&mut footprint.facts);
            }
        }
        Ok(footprints)
    }
}

/// Returns the `&Database` migrations, linked in or not, with the positions of their last executions. Their effects are unknown.
fn opaque_executions(graph: &Graph, records: &Records) -> Vec<(String, (i64, i64))> {
    let linked = |record: &Record| {
        let registration = graph.migration(graph.find(&record.id)?).registration();
        Some(match (record.direction, registration.down) {
            (Direction::Down, Some(down)) => down.kind,
            _ => registration.up.kind(),
        })
    };
    let executed = records.iter().filter(|record| record.kind.or_else(|| linked(record)) == Some(Kind::Database));
    executed.map(|record| (record.id.clone(), record.last_executed())).collect()
}

/// Compares the footprints of a run's steps with the database at its end, and warns of each difference.
pub(super) async fn warn_of_differences(executor: &mut Executor<'_>, report: &mut Report) {
    let expectation = Expectation::of(std::mem::take(&mut executor.footprints));
    match compare(executor.database, &expectation).await {
        Ok(mut differences) => {
            for difference in &mut differences {
                difference.perhaps_by(&executor.opaque);
            }
            for difference in differences.iter().filter(|difference| !difference.is_notice) {
                report.warn(format!("'{}': {}", difference.id, Problem::from(difference)));
            }
        }
        Err(error) => report.warn(format!("could not compare the database with what this run left: {error}")),
    }
}

impl From<&Difference> for Problem {
    fn from(difference: &Difference) -> Self {
        let Difference { object, expected, found, .. } = difference.clone();
        Self::Differs { object, expected, found }
    }
}

impl From<&Difference> for Finding {
    fn from(difference: &Difference) -> Self {
        Self { id: difference.id.clone(), problem: difference.into() }
    }
}
