//! The API: a file for each resource.

pub(crate) mod amend;
pub(crate) mod backfills;
pub(crate) mod checks;
pub(crate) mod down;
pub(crate) mod draft;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod lock;
pub(crate) mod plan;
pub(crate) mod runs;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod tenants;
pub(crate) mod unlock;
pub(crate) mod up;
