//! The health of a database.

use serde::Serialize;

use super::Finding;
use crate::migration::Migration;

/// The health of a database.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health<'a> {
    /// `healthy`, `differs`, `drifted`, `pending`, `busy` or `failed`.
    status: String,
    /// Whether the database is as this program expects.
    ready: bool,
    /// Qualified ids, in plan order.
    failed: Vec<&'static str>,
    /// Qualified ids of the migrations that `up` would apply, in plan order.
    pending: Vec<&'static str>,
    /// Qualified ids of migrations that are not linked into this program and may have left partial changes.
    partially_applied_elsewhere: &'a [String],
    differences: Vec<Finding<'a>>,
    summary: String,
}

impl<'a> Health<'a> {
    /// Converts a health check.
    #[must_use]
    pub fn of(health: &'a crate::migrator::Health) -> Self {
        let ids = |migrations: &[Migration]| migrations.iter().map(Migration::id).collect();
        Self {
            status: health.status().to_string(),
            ready: health.is_ready(),
            failed: ids(health.failed()),
            pending: ids(health.pending()),
            partially_applied_elsewhere: health.partially_applied_elsewhere(),
            differences: health.differences().iter().map(Finding::from).collect(),
            summary: health.to_string(),
        }
    }
}
