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
    /// Where it is written. Paths are relative to the current folder.
    pub(crate) file: &'a str,
    /// All files that are new, this one among them.
    pub(crate) created: Vec<&'a str>,
    /// Existing files that got a `mod` item.
    pub(crate) changed: Vec<&'a str>,
    /// The `mod` item that is left to the user.
    pub(crate) add: Option<Add<'a>>,
    /// What is in the file.
    pub(crate) code: &'a str,
    /// Nothing was written.
    pub(crate) dry_run: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add<'a> {
    pub(crate) file: &'a str,
    pub(crate) lines: &'a str,
    /// Why.
    pub(crate) reason: &'a str,
}
