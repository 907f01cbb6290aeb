//! The API: a file for each resource.

pub(crate) mod status;
