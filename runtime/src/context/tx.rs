//! `&mut Tx`: a body in a transaction.

mod action;
mod collection;
mod cursor;
mod kv;
mod probe;

use std::sync::Arc;

use mongodb::bson::Document;
use mongodb::{Client, ClientSession, Database};
use tokio::sync::{Mutex, MutexGuard};

pub use action::{Pending, Transactional};
pub use collection::TxCollection;
pub use cursor::TxCursor;
pub use kv::Kv;

use super::operation::{Journal, Operation};
use super::scope::Scope;
use crate::Error;
use crate::lock::Permit;

/// A transaction, or on a server without transactions a session.
///
/// Everything that is done through it takes effect together with the migration's record, exactly once, or not at all.
/// There is no method for an index or a collection: those cannot run in a transaction; take
/// [`&mut Schema`](crate::Schema) for them.
///
/// An operation that fails ends the transaction on the server. Return its error with `?`; a body that goes on and
/// returns Ok fails with [`Error::IgnoredError`].
///
/// The body may run more than once, when the server asks for it (a write conflict, a fail-over); each time nothing is
/// left of the attempt before; and it runs in a [dry run](crate::Up::dry_run). So keep effects outside the database out
/// of it.
///
/// The server ends a transaction after 60 seconds
/// ([`transactionLifetimeLimitSeconds`](https://www.mongodb.com/docs/manual/core/transactions-production-consideration/)):
/// [`Error::TransactionTooSlow`].
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
    session_id: Document,
    /// A session carries one operation at a time; `None` when the body has ended.
    session: Mutex<Option<ClientSession>>,
    journal: Journal,
    permit: Permit,
    /// Whether to look at documents before and after each write.
    dry_run: bool,
}

impl Tx {
    pub(crate) fn new(
        database: Database,
        session: ClientSession,
        scope: Scope,
        kv: &str,
        journal: Journal,
        permit: Permit,
    ) -> Self {
        Self(Arc::new(Shared::new(database, session, scope, kv, journal, permit)))
    }

    /// One that looks at some documents before and after each write, for a transaction that is not to be committed.
    pub(crate) fn dry_run(
        database: Database,
        session: ClientSession,
        scope: Scope,
        kv: &str,
        journal: Journal,
        permit: Permit,
    ) -> Self {
        let shared = Shared::new(database, session, scope, kv, journal, permit);
        Self(Arc::new(Shared { dry_run: true, ..shared }))
    }

    /// A collection whose operations all belong to this transaction.
    ///
    /// For a plugin's migration, `subscriptions` is `plugin_<name>_subscriptions` in the database.
    #[must_use]
    pub fn collection<T: Send + Sync>(&self, name: &str) -> TxCollection<T> {
        TxCollection::new(self.0.clone(), name)
    }

    /// A small key-value store of the migration's source, in the same transaction.
    #[must_use]
    pub fn kv(&self) -> Kv {
        Kv::new(self.0.clone())
    }

    /// Takes the session back when the body has ended, so that what the body may have left behind cannot use it.
    pub(crate) async fn end(&self) -> Option<ClientSession> {
        self.0.session.lock().await.take()
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

    pub(crate) fn first_error(&self) -> Option<(String, mongodb::error::Error)> {
        self.0.journal.first_error()
    }

    pub(crate) fn cause_of_refusal(&self) -> Option<(String, mongodb::error::Error)> {
        self.0.journal.cause_of_refusal()
    }
}

impl Shared {
    fn new(
        database: Database,
        session: ClientSession,
        scope: Scope,
        kv: &str,
        journal: Journal,
        permit: Permit,
    ) -> Self {
        Self {
            database,
            scope,
            kv: kv.to_owned(),
            session_id: session.id().clone(),
            session: Mutex::new(Some(session)),
            journal,
            permit,
            dry_run: false,
        }
    }

    /// Waits for the session, and checks that the step may go on.
    async fn enter(&self) -> mongodb::error::Result<MutexGuard<'_, Option<ClientSession>>> {
        let session = self.session.lock().await;
        // One that has ended is told as that, whatever has become of the run since.
        if session.is_some() {
            self.permit
                .check()
                .map_err(|reason| Error::Refused(format!("not started, because {reason}")).into_driver())?;
        }
        Ok(session)
    }
}

/// The session of a body that is still running.
fn open(session: &mut Option<ClientSession>) -> mongodb::error::Result<&mut ClientSession> {
    session.as_mut().ok_or_else(|| {
        Error::Refused("this transaction has ended; await every operation before the migration returns".to_owned())
            .into_driver()
    })
}
