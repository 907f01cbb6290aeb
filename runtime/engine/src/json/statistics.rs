//! Statistics of executions.

use serde::Serialize;

use super::millis;

/// The executions of each migration. `down` is not counted.
#[derive(Debug, Serialize)]
pub struct Statistics<'a> {
    /// Sorted by qualified id.
    migrations: Vec<OfMigration<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OfMigration<'a> {
    id: &'a str,
    executions: u64,
    failures: u64,
    mean_duration_ms: u64,
    slowest_duration_ms: u64,
}

impl<'a> Statistics<'a> {
    /// Converts statistics.
    #[must_use]
    pub fn of(statistics: &'a [crate::migrator::Statistics]) -> Self {
        let migrations = statistics.iter().map(|of| OfMigration {
            id: &of.id,
            executions: of.count,
            failures: of.failures,
            mean_duration_ms: millis(of.mean()),
            slowest_duration_ms: millis(of.slowest()),
        });
        Self { migrations: migrations.collect() }
    }
}
