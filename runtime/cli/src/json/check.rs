//! How what is linked in fits together.

use serde::Serialize;

use mongrate::json::Finding;

#[derive(Debug, Serialize)]
pub(crate) struct Check<'a> {
    pub(crate) valid: bool,
    /// How many are linked in.
    pub(crate) migrations: usize,
    pub(crate) sources: Vec<CheckedSource>,
    /// What is wrong: `duplicate-id`, `missing-dependency`, `cycle`, and compared with the lock files `modified` and `removed`.
    pub(crate) findings: Vec<Finding<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CheckedSource {
    pub(crate) source: String,
    /// How many of them are linked in.
    pub(crate) migrations: usize,
}
