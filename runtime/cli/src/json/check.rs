//! The result of `check`.

use serde::Serialize;

use mongrate::json::Finding;

#[derive(Debug, Serialize)]
pub(crate) struct Check<'a> {
    pub(crate) valid: bool,
    /// Number of linked-in migrations.
    pub(crate) migrations: usize,
    pub(crate) sources: Vec<CheckedSource>,
    /// `duplicate-id`, `missing-dependency`, `cycle`, and from the comparison with the lock files `modified` and `removed`.
    pub(crate) findings: Vec<Finding<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CheckedSource {
    pub(crate) source: String,
    /// Number of linked-in migrations of this source.
    pub(crate) migrations: usize,
}
