//! Many updates of single documents, in few commands.

use std::sync::Arc;

use mongodb::bson::{Bson, Document, RawDocumentBuf};
use mongodb::error::{Error as DriverError, ErrorKind, Result, WriteError, WriteFailure};
use mongodb::options::{Collation, Hint, UpdateModifications, WriteConcern};
use mongodb::{ClientSession, Collection};
use serde::Serialize;

use super::{Mode, Shared};
use crate::context::encoding::{decoded, raw};
use crate::display::{JsonDocument, shorten_document, truncated};
use crate::error::Error;
use crate::report::Counts;

/// Maximum number of updates in a command. The server accepts 100,000; a command of 1,000 ends soon enough to stop a run between
/// two of them.
const STATEMENTS: usize = 1_000;

/// Maximum size of the updates in a command, in bytes, unless a single one is larger. The server limits a command to 16 MB.
const BYTES: usize = 12 * 1024 * 1024;

/// Maximum length of a filter in an error message, in bytes.
const FILTER: usize = 200;

/// The updates of an [`update_each`](super::TxCollection::update_each) or the replacements of a
/// [`replace_each`](super::TxCollection::replace_each).
///
/// An option applies to each of them. The options are those of the driver's [`Update`](mongodb::action::Update).
#[must_use]
pub struct UpdateEach<'c> {
    tx: Arc<Shared>,
    collection: &'c Collection<Document>,
    pairs: Vec<Pair>,
    options: Options,
}

/// A filter, and the change of the first document that matches it.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) filter: Document,
    pub(super) change: Change,
}

/// A change of one document, in the form of the server's `update` command.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Change {
    Operators(Document),
    Pipeline(Vec<Document>),
    Replacement(RawDocumentBuf),
}

/// The sum of all replies.
#[derive(Debug, Default)]
pub struct Updated {
    pub(super) counts: Counts,
    pub(super) upserted: Vec<Bson>,
}

macro_rules! options {
    ($($(#[$doc:meta])* $option:ident: $value:ty),* $(,)?) => {
        #[derive(Default)]
        struct Options {
            $($option: Option<$value>),*
        }

        impl UpdateEach<'_> {
            $(
                $(#[$doc])*
                pub fn $option(mut self, value: impl Into<$value>) -> Self {
                    self.options.$option = Some(value.into());
                    self
                }
            )*
        }
    };
}

options! {
    /// Whether to insert a document if none matches.
    upsert: bool,
    /// The elements of arrays that the positional operator `$[<identifier>]` stands for.
    array_filters: Vec<Document>,
    /// The rules by which the filters compare strings. A dry run knows them only if they are set with
    /// [`TxAction::collation`](super::TxAction::collation).
    collation: Collation,
    /// The index to use.
    hint: Hint,
    /// The order that determines the first document that matches. Requires MongoDB 8.0.
    sort: Document,
    /// Variables that the filters and updates can use.
    let_vars: Document,
    /// Whether to skip the validation of the documents.
    bypass_document_validation: bool,
    /// A comment for the server's logs and profiler.
    comment: Bson,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    q: &'a Document,
    u: &'a Change,
    #[serde(skip_serializing_if = "Option::is_none")]
    upsert: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    array_filters: &'a Option<Vec<Document>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collation: &'a Option<Collation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: &'a Option<Hint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: &'a Option<Document>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Command<'a> {
    update: &'a str,
    updates: &'a [RawDocumentBuf],
    #[serde(rename = "let", skip_serializing_if = "Option::is_none")]
    let_vars: &'a Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bypass_document_validation: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: &'a Option<Bson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_concern: Option<&'a WriteConcern>,
}

impl Change {
    /// Fails for what the server would take for a replacement, or for no change.
    pub(super) fn update(update: UpdateModifications) -> Result<Self> {
        let problem = match update {
            UpdateModifications::Document(update) if starts_with_operator(&update) => {
                return Ok(Self::Operators(update));
            }
            UpdateModifications::Pipeline(stages) if !stages.is_empty() => return Ok(Self::Pipeline(stages)),
            UpdateModifications::Pipeline(_) => "has no stages",
            _ => "does not start with an operator such as `$set`; to replace whole documents, use `replace_each`",
        };
        Err(Error::Refused(format!("an update {problem}")).into_driver())
    }

    pub(super) fn replacement(replacement: RawDocumentBuf) -> Result<Self> {
        // The name of the first field follows four bytes of length and one of its type.
        if replacement.as_bytes().get(5) == Some(&b'$') {
            let problem = "a replacement starts with an operator; to update documents, use `update_each`";
            return Err(Error::Refused(problem.to_owned()).into_driver());
        }
        Ok(Self::Replacement(replacement))
    }
}

impl<'c> UpdateEach<'c> {
    pub(super) fn new(tx: Arc<Shared>, collection: &'c Collection<Document>, pairs: Vec<Pair>) -> Self {
        Self { tx, collection, pairs, options: Options::default() }
    }

    /// Sends all commands, one after the other.
    pub(super) async fn session(self, session: &mut ClientSession) -> Result<Updated> {
        let mut sum = Updated::default();
        let (mut statements, mut bytes, mut first) = (Vec::new(), 0, 0);
        for (index, pair) in self.pairs.iter().enumerate() {
            let statement = self.statement(pair)?;
            let size = statement.as_bytes().len();
            if statements.len() == STATEMENTS || bytes + size > BYTES && !statements.is_empty() {
                self.send(&statements, first, &mut sum, session).await?;
                statements.clear();
                (bytes, first) = (0, index);
            }
            statements.push(statement);
            bytes += size;
        }
        if !statements.is_empty() {
            self.send(&statements, first, &mut sum, session).await?;
        }
        Ok(sum)
    }

    fn statement(&self, Pair { filter, change }: &Pair) -> Result<RawDocumentBuf> {
        let Options { upsert, array_filters, collation, hint, sort, .. } = &self.options;
        raw(&Statement { q: filter, u: change, upsert: *upsert, array_filters, collation, hint, sort })
    }

    /// Sends a command. `first` is the index of its first pair.
    async fn send(
        &self,
        updates: &[RawDocumentBuf],
        first: usize,
        sum: &mut Updated,
        session: &mut ClientSession,
    ) -> Result<()> {
        self.tx.check_permit()?;
        let Options { let_vars, bypass_document_validation, comment, .. } = &self.options;
        let namespace = self.collection.namespace();
        let command = Command {
            update: &namespace.coll,
            updates,
            let_vars,
            bypass_document_validation: *bypass_document_validation,
            comment,
            // The driver adds it to its own operations only.
            write_concern: self.collection.write_concern().filter(|_| self.tx.mode == Mode::WithoutTransaction),
        };
        let database = self.collection.client().database(&namespace.db);
        let reply = database.run_raw_command(raw(&command)?).session(session).await?;
        if let Some(error) = reply.get_array("writeErrors").ok().and_then(|errors| errors.first()) {
            return Err(self.failure(error, first));
        }
        if let Ok(error) = reply.get_document("writeConcernError") {
            let concern = decoded(&raw(error)?)?;
            return Err(ErrorKind::Write(WriteFailure::WriteConcernError(concern)).into());
        }
        sum.add(&reply);
        Ok(())
    }

    /// Returns the error of one pair, with its place and its filter.
    fn failure(&self, error: &Bson, first: usize) -> DriverError {
        let Some(error) = error.as_document() else {
            return DriverError::custom(format!("the server answered with an unknown error: {error}"));
        };
        let index = first + usize::try_from(number(error, "index")).unwrap_or(usize::MAX);
        let filter = self.pairs.get(index).map(|pair| shorten_document(pair.filter.clone())).unwrap_or_default();
        let filter = JsonDocument(&filter).to_string();
        let ellipsis = if filter.len() > FILTER { "…" } else { "" };
        let place = format!("pair {index}, with the filter {}{ellipsis}", truncated(&filter, FILTER));
        match raw(error).and_then(|error| decoded::<WriteError>(&error)) {
            Ok(mut error) => {
                error.message = format!("{place}: {}", error.message);
                ErrorKind::Write(WriteFailure::WriteError(error)).into()
            }
            Err(_) => DriverError::custom(format!("{place}: {error}")),
        }
    }
}

impl Updated {
    fn add(&mut self, reply: &Document) {
        let upserted = reply.get_array("upserted").map_or(&[][..], Vec::as_slice);
        let ids = upserted.iter().filter_map(|upserted| upserted.as_document()?.get("_id").cloned());
        self.upserted.extend(ids);
        let inserted = upserted.len() as u64;
        self.counts.add(Counts {
            // The server counts an upserted document as matched.
            matched: number(reply, "n").saturating_sub(inserted),
            modified: number(reply, "nModified"),
            inserted,
            ..Counts::default()
        });
    }
}

fn starts_with_operator(update: &Document) -> bool {
    update.keys().next().is_some_and(|first| first.starts_with('$'))
}

fn number(reply: &Document, field: &str) -> u64 {
    let number = match reply.get(field) {
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        _ => 0,
    };
    u64::try_from(number).unwrap_or(0)
}
