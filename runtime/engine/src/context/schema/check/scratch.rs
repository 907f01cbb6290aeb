//! A collection in a transaction that is never committed, to try operations on.

use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result, TRANSIENT_TRANSACTION_ERROR};
use mongodb::options::ReadConcern;
use mongodb::{ClientSession, Database};

use crate::context::schema::command::limited;
use crate::error::{code, is_transient};
use crate::store::{primary, write_concern};

/// Codes of errors that do not depend on the operation: missing privilege, time limit, interruption.
const UNRELATED: [i32; 4] = [13, 50, 276, 11601];

const PREFIX: &str = "mongrate_dry_run_";

/// An empty collection with a unique name, which is visible only in its transaction.
pub(super) struct Scratch {
    database: Database,
    session: ClientSession,
    name: String,
    max_time: Duration,
}

impl Scratch {
    /// Starts a transaction, without a collection yet.
    pub(super) async fn begin(database: &Database, max_time: Duration) -> Result<Self> {
        let mut session = database.client().start_session().await?;
        // The only read concern with which the server creates collections in a transaction.
        let transaction = session.start_transaction().read_concern(ReadConcern::local()).write_concern(write_concern());
        transaction.selection_criteria(primary()).await?;
        let name = format!("{PREFIX}{}", ObjectId::new().to_hex());
        Ok(Self { database: database.clone(), session, name, max_time })
    }

    pub(super) async fn create(&mut self, options: &Document) -> Result<()> {
        let mut command = doc! { "create": &self.name };
        command.extend(options.clone());
        self.run(command).await.map(drop)
    }

    /// Creates indexes. Returns whether there are more than before.
    pub(super) async fn create_indexes(&mut self, specs: &[Document]) -> Result<bool> {
        let command = doc! { "createIndexes": &self.name, "indexes": specs };
        let reply = self.run(command).await?;
        Ok(reply.get("numIndexesBefore").map(Bson::to_string) != reply.get("numIndexesAfter").map(Bson::to_string))
    }

    pub(super) async fn insert(&mut self, documents: &[RawDocumentBuf]) -> Result<()> {
        let collection = self.database.collection::<RawDocumentBuf>(&self.name);
        collection.insert_many(documents).session(&mut self.session).await.map(drop)
    }

    /// Rolls everything back. If the command does not arrive, the server does it later.
    pub(super) async fn end(mut self) {
        if let Err(error) = self.session.abort_transaction().await {
            tracing::debug!(%error, "abort");
        }
    }

    async fn run(&mut self, command: Document) -> Result<Document> {
        self.database.run_command(limited(command, self.max_time)).session(&mut self.session).await
    }
}

/// Splits errors: `Ok(Err(..))` if the server rejects the operation, `Err(..)` if the result is unknown.
pub(super) fn refusal<T>(result: Result<T>) -> Result<std::result::Result<T, Error>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => {
            let unrelated = is_transient(&error)
                || error.contains_label(TRANSIENT_TRANSACTION_ERROR)
                || code(&error).is_none_or(|code| UNRELATED.contains(&code));
            if unrelated { Err(error) } else { Ok(Err(error)) }
        }
    }
}

/// Replaces the name of the scratch collection in a server message by that of the real one.
pub(super) fn with_real_name(collection: &str, message: &str) -> String {
    let mut parts = message.split(PREFIX);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + collection + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}

/// Returns the options of a collection that affect its indexes.
pub(super) fn scratch_options(options: &Document) -> Document {
    let matter = ["collation", "clusteredIndex", "capped", "size", "max"];
    let options = options.iter().filter(|(key, _)| matter.contains(&key.as_str()));
    options.map(|(key, value)| (key.clone(), value.clone())).collect()
}
