//! Documents whose changes are computed in Rust: read in the transaction of the batch, then changed with few commands.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error as DriverError, Result};
use mongodb::options::UpdateModifications;
use mongodb::{ClientSession, Collection};

use super::filter::by_id;
use crate::context::{Compute, Deed};
use crate::error::{Error, write_error};
use crate::executor::body::panicked;

/// Maximum number of statements in a command.
const STATEMENTS: usize = 1_000;

/// The documents of a batch.
pub(super) struct Batch<'b> {
    pub(super) documents: &'b Collection<Document>,
    pub(super) project: Option<&'b Document>,
    pub(super) compute: &'b Compute,
    /// Whether the session has a transaction.
    pub(super) transactional: bool,
}

impl Batch<'_> {
    /// Changes the documents that match. Returns how many there are, and how many have changed.
    pub(super) async fn change(&self, matching: Document, session: &mut ClientSession) -> Result<(u64, u64)> {
        let find = self.documents.find(matching).sort(doc! { "_id": 1 }).hint(by_id());
        let find = match self.project {
            Some(fields) => find.projection(fields.clone()),
            None => find,
        };
        let mut cursor = find.session(&mut *session).await?;
        let found: Vec<Document> = cursor.stream(&mut *session).try_collect().await?;
        let (mut updates, mut deletes) = (Vec::new(), Vec::new());
        let matched = found.len() as u64;
        for document in found {
            let Some(id) = document.get("_id").cloned() else {
                return Err(DriverError::custom("the projection leaves out the _id".to_owned()));
            };
            let computed = catch_unwind(AssertUnwindSafe(|| self.compute.change(document)));
            let change = computed.unwrap_or_else(|panic| Err(panicked(&*panic).into()));
            let change = change.map_err(|error| Error::unboxed(error).into_driver())?;
            let q = doc! { "_id": { "$eq": id } };
            match change.0 {
                Deed::None => {}
                Deed::Delete => deletes.push(doc! { "q": q, "limit": 1 }),
                Deed::Replace(replacement) => updates.push(doc! { "q": q, "u": replacement }),
                Deed::Update(UpdateModifications::Pipeline(stages)) => updates.push(doc! { "q": q, "u": stages }),
                Deed::Update(UpdateModifications::Document(update)) => updates.push(doc! { "q": q, "u": update }),
                Deed::Update(other) => {
                    return Err(DriverError::custom(format!("an unknown kind of update: {other:?}")));
                }
            }
        }
        let mut changed = 0;
        for updates in updates.chunks(STATEMENTS) {
            changed += self.send("update", "updates", updates, "nModified", session).await?;
        }
        for deletes in deletes.chunks(STATEMENTS) {
            changed += self.send("delete", "deletes", deletes, "n", session).await?;
        }
        Ok((matched, changed))
    }

    /// Sends a command. Returns the number in the `field` of its reply.
    async fn send(
        &self,
        name: &str,
        list: &str,
        statements: &[Document],
        field: &str,
        session: &mut ClientSession,
    ) -> Result<u64> {
        let namespace = self.documents.namespace();
        let mut command = doc! { name: &namespace.coll, list: statements };
        if !self.transactional {
            command.insert("writeConcern", doc! { "w": "majority", "j": true });
        }
        let database = self.documents.client().database(&namespace.db);
        let reply = database.run_command(command).session(session).await?;
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
