//! What is released.

use serde::Serialize;

/// What became of the lock files.
#[derive(Debug, Serialize)]
pub(crate) struct LockFiles {
    /// Not with `--check`.
    pub(crate) written: bool,
    /// One for each crate of the source tree that has migrations.
    pub(crate) files: Vec<LockFile>,
}

/// One `migrations.lock`, with qualified ids.
#[derive(Debug, Serialize)]
pub(crate) struct LockFile {
    /// As seen from the current folder.
    pub(crate) path: String,
    /// With `--check`, those that would be.
    pub(crate) added: Vec<&'static str>,
    /// Those of which only the checksum's algorithm was out of date.
    pub(crate) rewritten: Vec<&'static str>,
    /// Those that differ from what is linked in, and stay as they are in the file.
    pub(crate) modified: Vec<String>,
    /// Those that are not linked in any more, and stay in the file.
    pub(crate) removed: Vec<String>,
    /// How many are in the file now.
    pub(crate) total: usize,
}
