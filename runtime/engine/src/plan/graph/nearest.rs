//! The id that was probably meant.

use crate::error::Error;
use crate::migration::Migration;

/// How many ids that are not found get a suggestion: comparing each with every id would take minutes for thousands.
pub(super) const SUGGESTIONS: usize = 20;

/// Several ids that are not found.
#[derive(Debug, Default)]
pub(crate) struct Unknown(usize);

impl Unknown {
    /// As [`unknown`], of which the first ones get a suggestion.
    pub(crate) fn error(&mut self, id: &str, known: impl IntoIterator<Item = Migration>) -> Error {
        self.0 += 1;
        if self.0 > SUGGESTIONS {
            return Error::UnknownMigration { id: id.to_owned(), nearest: None };
        }
        unknown(id, known)
    }
}

/// That there is no migration of this id among the known ones.
pub(crate) fn unknown(id: &str, known: impl IntoIterator<Item = Migration>) -> Error {
    let nearest = nearest(id, known.into_iter().map(|migration| migration.id()));
    Error::UnknownMigration { id: id.to_owned(), nearest }
}

/// The nearest of the known qualified ids: the same plain id under another source, or else a near miss.
pub(super) fn nearest(wanted: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    // As rustc does for names: one slip in three characters is still the same word.
    let limit = plain(wanted).len() / 3;
    known
        .into_iter()
        .filter_map(|id| distance(wanted, id, limit).map(|distance| (distance, id)))
        .min()
        .map(|(_, id)| id)
}

/// How far apart two ids are: in the plain id, then in the source.
fn distance(wanted: &str, id: &str, limit: usize) -> Option<(usize, usize)> {
    let (wanted_plain, plain) = (plain(wanted), plain(id));
    if wanted_plain.len().abs_diff(plain.len()) > limit {
        return None;
    }
    let slips = strsim::osa_distance(wanted_plain, plain);
    (slips <= limit).then(|| (slips, strsim::osa_distance(source(wanted), source(id))))
}

fn plain(id: &str) -> &str {
    id.rsplit_once(':').map_or(id, |(_, plain)| plain)
}

fn source(id: &str) -> &str {
    id.rsplit_once(':').map_or("", |(source, _)| source)
}
