//! `&mut Tx`: a transaction.

mod action;
mod collection;
mod cursor;
mod database;
mod each;
mod hints;
mod kv;
mod probe;
mod raw;
mod turns;

use std::any::Any;
use std::sync::Arc;

use mongodb::bson::Document;
use mongodb::{Client, Collection, Database};

pub use action::{Transactional, TxAction};
pub use collection::TxCollection;
pub use cursor::TxCursor;
pub use database::TxDatabase;
pub use each::UpdateEach;
pub use kv::Kv;
pub(crate) use probe::sample;

use self::turns::Turns;
use super::journal::Journal;
use super::scope::Scope;
use crate::error::Error;
use crate::lock::Session;
use crate::migration::Provided;
use crate::options::Options;
use crate::report::Operation;
use crate::stop::Permit;

/// A transaction, or a session on a server without transactions.
///
/// All operations take effect together with the migration's record, exactly once, or not at all. DDL cannot run in a transaction:
/// take [`&mut Schema`](crate::context::schema::Schema) for indexes and collections.
///
/// Operations run one after the other, in the order in which they were first polled. Each runs to completion even if its future
/// is no longer polled, so that a buffering stream does not block other operations. Dropping the future of a write before it
/// completes fails the migration. Futures that only read can be dropped.
///
/// An operation that fails aborts the transaction on the server. Return its error with `?`: a body that ignores it and returns
/// `Ok` fails with [`Error::IgnoredError`].
///
/// The body runs again after a transient abort, such as a write conflict or a fail-over. Nothing remains of the earlier attempt.
/// It also runs in a [dry run](crate::migrator::Up::dry_run). A body should therefore have no effects outside the database.
///
/// The server aborts a transaction after 60 seconds
/// ([`transactionLifetimeLimitSeconds`](https://www.mongodb.com/docs/manual/core/transactions-production-consideration/)). The
/// migration then fails with [`Error::TransactionTooSlow`].
///
/// ```
/// use mongodb::bson::{Document, doc};
/// use mongrate::{Tx, migration};
///
/// /// Every user has a role.
/// #[migration(id = "001_users_have_roles")]
/// async fn assign_roles(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
///     let users = tx.collection::<Document>("users");
///     users.update_many(doc! { "role": { "$exists": false } }, doc! { "$set": { "role": "member" } }).await?;
///     tx.kv().set("default_role", "member").await
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Tx(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    database: Database,
    scope: Scope,
    kv: String,
    provided: Provided,
    session_id: Document,
    /// The queue of operations that use the session.
    turns: Turns,
    journal: Journal,
    permit: Permit,
    mode: Mode,
}

/// How the operations of a [`Tx`] take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Transaction,
    /// One by one, on a server without transactions.
    WithoutTransaction,
    /// In a transaction that is never committed. Some documents are read before and after each write.
    DryRun,
}

impl Tx {
    pub(crate) fn new(
        database: Database,
        session: Session,
        scope: Scope,
        options: &Options,
        journal: Journal,
        permit: Permit,
        mode: Mode,
    ) -> Self {
        Self(Arc::new(Shared {
            database,
            scope,
            kv: options.names.kv.clone(),
            provided: options.provided.clone(),
            session_id: session.id().clone(),
            turns: Turns::new(session),
            journal,
            permit,
            mode,
        }))
    }

    /// Returns a collection whose operations are part of this transaction.
    ///
    /// In a plugin's migration, `subscriptions` is `plugin_<name>_subscriptions` in the database.
    #[must_use]
    pub fn collection<T: Send + Sync>(&self, name: &str) -> TxCollection<T> {
        TxCollection::new(self.0.clone(), name)
    }

    /// Returns another database of the same server, whose operations are part of this transaction.
    ///
    /// A plugin reaches only its own collections: in its migrations, operations on another database fail.
    ///
    /// ```
    /// # use mongodb::bson::{Document, doc};
    /// # async fn body(tx: &mut mongrate::Tx) -> Result<(), mongodb::error::Error> {
    /// let old = tx.collection::<Document>("orders").find(doc! { "year": { "$lt": 2020 } }).await?.collect().await?;
    /// tx.database("archive").collection::<Document>("orders").insert_many(&old).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn database(&self, name: &str) -> TxDatabase {
        TxDatabase::new(self.0.clone(), name)
    }

    /// Returns the key-value store of the migration's source. Its operations are part of this transaction.
    #[must_use]
    pub fn kv(&self) -> Kv {
        Kv::new(self.0.clone())
    }

    /// Returns the value that the application provides for this type with
    /// [`provide`](crate::MigratorBuilder::provide): configuration, a client of another service, anything that the migration
    /// needs besides the database.
    ///
    /// Name the type in `needs = [Type]` of the attribute, so that a missing value is reported before anything runs. Without
    /// that, this fails with [`Error::NotProvided`].
    ///
    /// ```
    /// use mongodb::bson::{Document, doc};
    /// use mongrate::{Tx, migration};
    ///
    /// pub struct Settings {
    ///     pub default_role: String,
    /// }
    ///
    /// /// Every user has a role.
    /// #[migration(id = "001_users_have_roles", needs = [Settings])]
    /// async fn assign_roles(tx: &mut Tx) -> Result<(), anyhow::Error> {
    ///     let settings = tx.provided::<Settings>()?;
    ///     let (missing, role) = (doc! { "role": { "$exists": false } }, doc! { "role": &settings.default_role });
    ///     tx.collection::<Document>("users").update_many(missing, doc! { "$set": role }).await?;
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    pub fn provided<T: Any + Send + Sync>(&self) -> Result<Arc<T>, Error> {
        self.0.journal.provided(&self.0.provided)
    }

    /// Takes the session back after the body has returned, so that tasks that it has spawned cannot use it.
    pub(crate) async fn end(&self) -> Option<Session> {
        self.0.turns.end().await
    }

    pub(crate) fn handle(&self) -> Self {
        Self(self.0.clone())
    }

    pub(crate) fn client(&self) -> &Client {
        self.0.database.client()
    }

    pub(crate) fn session_id(&self) -> &Document {
        &self.0.session_id
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.0.journal.operations()
    }

    pub(crate) fn missing_value(&self) -> Option<&'static str> {
        self.0.journal.missing_value()
    }

    pub(crate) fn first_error(&self) -> Option<(String, mongodb::error::Error)> {
        self.0.journal.first_error()
    }

    pub(crate) fn cause_of_refusal(&self) -> Option<(String, mongodb::error::Error)> {
        self.0.journal.cause_of_refusal()
    }
}

impl Shared {
    /// Fails if the step must stop.
    fn check_permit(&self) -> mongodb::error::Result<()> {
        self.permit.check().map_err(|reason| Error::Refused(format!("not started, because {reason}")).into_driver())
    }

    /// Returns the name of a collection in reports and errors: with its database, if that is another one.
    fn name_of<T: Send + Sync>(&self, collection: &Collection<T>) -> String {
        let namespace = collection.namespace();
        if namespace.db == self.database.name() { namespace.coll } else { namespace.to_string() }
    }

    /// Records the error of an operation.
    fn failed(&self, kind: &'static str, collection: &str, error: mongodb::error::Error) -> mongodb::error::Error {
        self.journal.failed(kind, collection, &error);
        error
    }
}

/// Returns the error of an operation after the body has returned.
fn ended() -> mongodb::error::Error {
    Error::Refused("this transaction has ended; await every operation before the migration returns".to_owned())
        .into_driver()
}
