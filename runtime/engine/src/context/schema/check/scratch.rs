//! A collection in a transaction that is never committed, in which the server itself says what it would do.

use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result, TRANSIENT_TRANSACTION_ERROR};
use mongodb::options::ReadConcern;
use mongodb::{ClientSession, Database};

use crate::context::schema::command::limited;
use crate::error::{code, passes};
use crate::store::{primary, write_concern};

/// Server codes of errors that are about the moment and not about what was asked: no privilege, no time, interrupted.
const OF_THE_MOMENT: [i32; 4] = [13, 50, 276, 11601];

const PREFIX: &str = "mongrate_dry_run_";

/// An empty collection with a name that nobody else has. Only from within its transaction is it there.
pub(super) struct Scratch {
    database: Database,
    session: ClientSession,
    name: String,
    max_time: Duration,
}

impl Scratch {
    /// A transaction in which there is nothing yet.
    pub(super) async fn begin(database: &Database, max_time: Duration) -> Result<Self> {
        let mut session = database.client().start_session().await?;
        // The server creates collections in a transaction only with this read concern.
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

    /// Whether there are more indexes now.
    pub(super) async fn create_indexes(&mut self, specs: &[Document]) -> Result<bool> {
        let command = doc! { "createIndexes": &self.name, "indexes": specs };
        let reply = self.run(command).await?;
        Ok(reply.get("numIndexesBefore").map(Bson::to_string) != reply.get("numIndexesAfter").map(Bson::to_string))
    }

    pub(super) async fn insert(&mut self, documents: &[RawDocumentBuf]) -> Result<()> {
        let collection = self.database.collection::<RawDocumentBuf>(&self.name);
        collection.insert_many(documents).session(&mut self.session).await.map(drop)
    }

    /// Rolls everything back. The server does it by itself when this does not reach it.
    pub(super) async fn end(mut self) {
        if let Err(error) = self.session.abort_transaction().await {
            tracing::debug!(%error, "abort");
        }
    }

    async fn run(&mut self, command: Document) -> Result<Document> {
        self.database.run_command(limited(command, self.max_time)).session(&mut self.session).await
    }
}

/// The answer of the server that something cannot be done; `Err` when it has not answered that.
pub(super) fn refusal<T>(result: Result<T>) -> Result<std::result::Result<T, Error>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => {
            let of_the_moment = passes(&error)
                || error.contains_label(TRANSIENT_TRANSACTION_ERROR)
                || code(&error).is_none_or(|code| OF_THE_MOMENT.contains(&code));
            if of_the_moment { Err(error) } else { Ok(Err(error)) }
        }
    }
}

/// What the server says about a scratch collection, as if it said it about the one that is meant.
pub(super) fn in_the_name_of(collection: &str, answer: &str) -> String {
    let mut parts = answer.split(PREFIX);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| told + collection + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}
