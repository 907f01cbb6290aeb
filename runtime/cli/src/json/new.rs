//! A migration that was written into the source tree.

use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct New<'a> {
    /// Qualified.
    pub(crate) id: &'a str,
    pub(crate) source: &'a str,
    /// Qualified ids: the one that it follows, if there is one.
    pub(crate) dependencies: Vec<&'a str>,
    /// Where it is written. All files are told from the current folder.
    pub(crate) file: &'a str,
    /// All files that are new, this one among them.
    pub(crate) created: Vec<&'a str>,
    /// Those that were there and have one more line, with the `mod` of it.
    pub(crate) changed: Vec<&'a str>,
    /// What is in the file.
    pub(crate) code: &'a str,
    /// Nothing was written.
    pub(crate) dry_run: bool,
}
