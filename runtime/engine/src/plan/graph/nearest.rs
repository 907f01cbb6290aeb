//! Suggestions for unknown ids.

use crate::error::Error;
use crate::migration::Migration;

/// Maximum number of unknown ids with a suggestion. Comparing thousands of ids with every known id would take minutes.
pub(super) const SUGGESTIONS: usize = 20;

/// A counter of unknown ids.
#[derive(Debug, Default)]
pub(crate) struct Unknown(usize);

impl Unknown {
    /// Like [`unknown`], with a suggestion for the first [`SUGGESTIONS`] ids only.
    pub(crate) fn error(&mut self, id: &str, known: impl IntoIterator<Item = Migration>) -> Error {
        self.0 += 1;
        if self.0 > SUGGESTIONS {
            return Error::UnknownMigration { id: id.to_owned(), nearest: None };
        }
        unknown(id, known)
    }
}

/// An error for an id that is not among the known migrations.
pub(crate) fn unknown(id: &str, known: impl IntoIterator<Item = Migration>) -> Error {
    let nearest = nearest(id, known.into_iter().map(|migration| migration.id()));
    Error::UnknownMigration { id: id.to_owned(), nearest }
}

/// Returns the nearest of the known qualified ids: the same plain id of another source, or else a similar id.
pub(super) fn nearest(wanted: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    // The limit that rustc uses for names: one edit for every three characters.
    let limit = plain(wanted).len() / 3;
    known
        .into_iter()
        .filter_map(|id| distance(wanted, id, limit).map(|distance| (distance, id)))
        .min()
        .map(|(_, id)| id)
}

/// The edit distance of the plain ids, then of the sources. `None` if it exceeds the limit.
fn distance(wanted: &str, id: &str, limit: usize) -> Option<(usize, usize)> {
    let (wanted_plain, plain) = (plain(wanted), plain(id));
    if wanted_plain.len().abs_diff(plain.len()) > limit {
        return None;
    }
    let edits = strsim::osa_distance(wanted_plain, plain);
    (edits <= limit).then(|| (edits, strsim::osa_distance(source(wanted), source(id))))
}

fn plain(id: &str) -> &str {
    id.rsplit_once(':').map_or(id, |(_, plain)| plain)
}

fn source(id: &str) -> &str {
    id.rsplit_once(':').map_or("", |(source, _)| source)
}
