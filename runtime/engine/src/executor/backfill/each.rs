//! Documents whose changes are computed in Rust: read in the transaction of the batch, then changed with few commands. Both are
//! raw BSON, except for what the function sees.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mongodb::bson::{Bson, Document, RawBsonRef, RawDocument, RawDocumentBuf};
use mongodb::error::{Error as DriverError, Result};
use mongodb::options::{UpdateModifications, WriteConcern};
use mongodb::{ClientSession, Collection};
use serde::Serialize;

use super::filter::find;
use crate::context::encoding::raw;
use crate::context::{Compute, Deed};
use crate::error::{Error, write_error};
use crate::executor::body::panicked;
use crate::store::write_concern;

/// Maximum number of statements in a command.
const STATEMENTS: usize = 1_000;

/// Maximum size of the statements in a command, in bytes, unless a single one is larger. The server limits a command to 16 MB.
const BYTES: usize = 12 * 1024 * 1024;

/// The documents of a batch.
pub(super) struct Batch<'b> {
    pub(super) documents: &'b Collection<RawDocumentBuf>,
    pub(super) project: Option<&'b Document>,
    pub(super) compute: &'b Compute,
    /// Expected number of documents.
    pub(super) size: u64,
    /// Whether the session has a transaction.
    pub(super) transactional: bool,
}

/// The changes of a batch.
#[derive(Default)]
struct Statements {
    updates: Vec<RawDocumentBuf>,
    deletes: Vec<RawDocumentBuf>,
}

#[derive(Serialize)]
struct Update<'a, U> {
    q: Query<'a>,
    u: &'a U,
}

#[derive(Serialize)]
struct Delete<'a> {
    q: Query<'a>,
    limit: i32,
}

#[derive(Serialize)]
struct Query<'a> {
    #[serde(rename = "_id")]
    id: Id<'a>,
}

/// An `_id` to compare with. The server finds plain values without a plan. A document could be taken for operators.
#[derive(Serialize)]
#[serde(untagged)]
enum Id<'a> {
    Plain(RawBsonRef<'a>),
    Equal {
        #[serde(rename = "$eq")]
        to: RawBsonRef<'a>,
    },
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Command<'a> {
    Update {
        update: &'a str,
        updates: &'a [RawDocumentBuf],
        #[serde(skip_serializing_if = "Option::is_none")]
        write_concern: Option<WriteConcern>,
    },
    Delete {
        delete: &'a str,
        deletes: &'a [RawDocumentBuf],
        #[serde(skip_serializing_if = "Option::is_none")]
        write_concern: Option<WriteConcern>,
    },
}

impl Batch<'_> {
    /// Changes the documents that match. Returns how many there are, and how many have changed.
    pub(super) async fn change(&self, matching: Document, session: &mut ClientSession) -> Result<(u64, u64)> {
        let (matched, Statements { updates, deletes }) = self.computed(matching, session).await?;
        let coll = &self.documents.namespace().coll;
        // The driver adds it to its own operations only.
        let write_concern = || (!self.transactional).then(write_concern);
        let mut changed = 0;
        for updates in chunks(&updates) {
            let command = Command::Update { update: coll, updates, write_concern: write_concern() };
            changed += self.send(&command, "nModified", session).await?;
        }
        for deletes in chunks(&deletes) {
            let command = Command::Delete { delete: coll, deletes, write_concern: write_concern() };
            changed += self.send(&command, "n", session).await?;
        }
        Ok((matched, changed))
    }

    /// Computes the changes. Only one reply of the server is in memory at a time.
    async fn computed(&self, matching: Document, session: &mut ClientSession) -> Result<(u64, Statements)> {
        let mut cursor = find(self.documents, matching, self.project, self.size).session(&mut *session).await?;
        let (mut matched, mut statements) = (0, Statements::default());
        while cursor.advance(&mut *session).await? {
            matched += 1;
            self.compute(cursor.current(), &mut statements)?;
        }
        Ok((matched, statements))
    }

    fn compute(&self, document: &RawDocument, Statements { updates, deletes }: &mut Statements) -> Result<()> {
        let id = match document.get("_id") {
            Ok(Some(to @ RawBsonRef::Document(_))) => Id::Equal { to },
            Ok(Some(id)) => Id::Plain(id),
            Ok(None) | Err(_) => return Err(DriverError::custom("the projection leaves out the _id".to_owned())),
        };
        let computed = catch_unwind(AssertUnwindSafe(|| self.compute.change(document)));
        let change = computed.unwrap_or_else(|panic| Err(panicked(&*panic).into()));
        let change = change.map_err(|error| Error::unboxed(error).into_driver())?;
        let q = Query { id };
        match &change.0 {
            Deed::None => {}
            Deed::Delete => deletes.push(raw(&Delete { q, limit: 1 })?),
            Deed::Replace(u) | Deed::Update(UpdateModifications::Document(u)) => updates.push(raw(&Update { q, u })?),
            Deed::Update(u) => updates.push(raw(&Update { q, u })?),
        }
        Ok(())
    }

    /// Sends a command. Returns the number in the `field` of its reply.
    async fn send(&self, command: &Command<'_>, field: &str, session: &mut ClientSession) -> Result<u64> {
        let database = self.documents.client().database(&self.documents.namespace().db);
        let reply = database.run_raw_command(raw(command)?).session(session).await?;
        let mut errors = reply.get_array("writeErrors").into_iter().flatten().filter_map(Bson::as_document);
        if let Some(error) = errors.next() {
            return Err(DriverError::custom(write_error(error)));
        }
        Ok(match reply.get(field) {
            Some(Bson::Int32(number)) => u64::try_from(*number).unwrap_or(0),
            Some(Bson::Int64(number)) => u64::try_from(*number).unwrap_or(0),
            _ => 0,
        })
    }
}

/// Divides statements into those of one command each.
fn chunks(statements: &[RawDocumentBuf]) -> impl Iterator<Item = &[RawDocumentBuf]> {
    let mut rest = statements;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |statement: &&RawDocumentBuf| {
            bytes += statement.as_bytes().len();
            bytes <= BYTES
        };
        let number = rest.iter().take(STATEMENTS).take_while(fits).count().max(1);
        let (chunk, others) = rest.split_at_checked(number)?;
        rest = others;
        Some(chunk)
    })
}
