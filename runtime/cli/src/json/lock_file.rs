//! The result of `lock-file`.

use serde::Serialize;

/// All lock files.
#[derive(Debug, Serialize)]
pub(crate) struct LockFiles {
    /// False with `--check`.
    pub(crate) written: bool,
    /// One for each crate of the source tree that has migrations.
    pub(crate) files: Vec<LockFile>,
}

/// One `migrations.lock`, with qualified ids.
#[derive(Debug, Serialize)]
pub(crate) struct LockFile {
    /// Relative to the current folder.
    pub(crate) path: String,
    /// With `--check`, the migrations that would be added.
    pub(crate) added: Vec<&'static str>,
    /// Only the algorithm of the checksum was out of date.
    pub(crate) rewritten: Vec<&'static str>,
    /// The code differs from the file, which keeps the old checksum.
    pub(crate) modified: Vec<String>,
    /// No longer linked in, but kept in the file.
    pub(crate) removed: Vec<String>,
    /// Number of migrations in the file.
    pub(crate) total: usize,
}
