//! `&mut Tx`: a body in a transaction.

mod action;
mod collection;
mod cursor;
mod kv;
mod probe;
mod raw;
mod turns;

use std::sync::Arc;

use mongodb::bson::Document;
use mongodb::{Client, Database};

pub use action::{Transactional, TxAction};
pub use collection::TxCollection;
pub use cursor::TxCursor;
pub use kv::Kv;

use self::turns::Turns;
use super::journal::Journal;
use super::scope::Scope;
use crate::error::Error;
use crate::lock::Session;
use crate::report::Operation;
use crate::stop::Permit;

/// A transaction, or on a server without transactions a session.
///
/// Everything that is done through it takes effect together with the migration's record, exactly once, or not at all.
/// There is no method for an index or a collection: those cannot run in a transaction; take
/// [`&mut Schema`](crate::context::schema::Schema) for them.
///
/// Its operations run one after the other, in the order in which they were first polled. Each runs to its end even when
/// its future is not polled any more, so a stream that buffers operations does not hold up others. A write whose future is
/// dropped before its result was there fails the migration; whatever only reads may be dropped.
///
/// An operation that fails ends the transaction on the server. Return its error with `?`; a body that goes on and
/// returns Ok fails with [`Error::IgnoredError`].
///
/// The body may run more than once, when the server asks for it (a write conflict, a fail-over); each time nothing is
/// left of the attempt before; and it runs in a [dry run](crate::migrator::Up::dry_run). So keep effects outside the database out
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
    /// The way to the session.
    turns: Turns,
    journal: Journal,
    permit: Permit,
    /// Whether to look at documents before and after each write.
    dry_run: bool,
}

impl Tx {
    pub(crate) fn new(
        database: Database,
        session: Session,
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
        session: Session,
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

    pub(crate) fn first_error(&self) -> Option<(String, mongodb::error::Error)> {
        self.0.journal.first_error()
    }

    pub(crate) fn cause_of_refusal(&self) -> Option<(String, mongodb::error::Error)> {
        self.0.journal.cause_of_refusal()
    }
}

impl Shared {
    fn new(database: Database, session: Session, scope: Scope, kv: &str, journal: Journal, permit: Permit) -> Self {
        Self {
            database,
            scope,
            kv: kv.to_owned(),
            session_id: session.id().clone(),
            turns: Turns::new(session),
            journal,
            permit,
            dry_run: false,
        }
    }

    /// Checks that the step may go on.
    fn may_go_on(&self) -> mongodb::error::Result<()> {
        self.permit.check().map_err(|reason| Error::Refused(format!("not started, because {reason}")).into_driver())
    }

    /// Notes an error of an operation.
    fn failed(&self, kind: &'static str, collection: &str, error: mongodb::error::Error) -> mongodb::error::Error {
        self.journal.failed(kind, collection, &error);
        error
    }
}

/// An operation of a body that has ended.
fn ended() -> mongodb::error::Error {
    Error::Refused("this transaction has ended; await every operation before the migration returns".to_owned())
        .into_driver()
}
