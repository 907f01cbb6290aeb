//! A completion script.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Completions<'a> {
    /// `bash`, `elvish`, `fish`, `powershell` or `zsh`.
    pub(crate) shell: String,
    pub(crate) script: &'a str,
}
