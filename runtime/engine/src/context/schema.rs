//! `&mut Schema`: indexes, collections, views and validators, outside transactions.

mod activity;
mod ask;
mod before;
mod check;
mod collection;
mod command;
mod define;
pub(crate) mod effect;
mod failure;
mod index;
mod indexes;
pub(crate) mod log;
mod log_request;
mod look;
mod mongo;
mod moving;
mod perform;
mod query;
mod reading;
mod rename;
mod replay;
mod retry;
mod seen;
mod send;
mod server;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};

pub use collection::CreateCollection;
pub use index::{CreateIndex, Index};
pub use rename::RenameCollection;

pub(crate) use self::activity::Activity;
use self::check::Check;
pub(crate) use self::check::Projection;
pub(crate) use self::effect::Effect;
pub(super) use self::effect::print;
use self::failure::Failure;
pub(crate) use self::log::Log;
pub(crate) use self::log_request::{LogRequest, LogRequests};
use self::mongo::Mongo;
pub(crate) use self::perform::Performer;
pub(crate) use self::query::is_query;
pub(crate) use self::replay::Replay;
#[cfg(test)]
pub(crate) use self::{retry::Retry, server::Server};
use super::journal::Journal;
use super::scope::Scope;
use crate::error::Error;
use crate::lock::Session;
use crate::migration::Provided;
use crate::options::{MAX_TIME, Options};
use crate::report::Operation;
use crate::stop::Permit;

/// Creates, changes and drops indexes, collections, views and validators.
///
/// The server has no transactions for DDL. A migration that takes `&mut Schema` therefore keeps a log in its record: the intent
/// before each operation, and the result after it. After a crash or an error, the next run **resumes where the last one
/// stopped**: the body runs from the beginning, but operations that are done are skipped. Whether the last operation took effect
/// is decided by reading the database. If that is inconclusive, the run fails with [`Error::InDoubt`] and changes nothing.
///
/// The body must therefore make the same calls in the same order when it runs again, or it fails with [`Error::BodyChanged`]. To
/// repair a failure, change the operation that failed or anything after it.
///
/// Every operation is idempotent: an existing object stays, or is changed to the requested definition. After an operation has
/// failed, all later ones fail with the same error. A body that returns `Ok` nevertheless fails with [`Error::IgnoredError`].
///
/// Every operation has a time limit: 10 minutes, or [`Schema::max_time`].
///
/// In a [dry run](crate::migrator::Up::dry_run), operations are checked and not executed. They return `Ok` in any case; the
/// result of the check is a [`Prediction`](crate::report::Prediction).
///
/// ```
/// use mongodb::bson::doc;
/// use mongrate::{Schema, migration};
///
/// /// Every user has an e-mail address, which is unique.
/// #[migration(id = "001_users_have_email")]
/// async fn create_users(schema: &mut Schema) -> Result<(), mongrate::Error> {
///     let user = doc! { "$jsonSchema": { "required": ["email"] } };
///     schema.create_collection("users").validator(user).await?;
///     schema.create_index("users", doc! { "email": 1 }).unique().await
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Schema {
    performer: Performer<Mongo>,
    scope: Scope,
    activity: Activity,
    provided: Provided,
    /// Set in a dry run: the effects of earlier operations, which were checked and not executed.
    dry_run: Option<Projection>,
    /// The reason why a dry run could not answer a query.
    unanswered: Option<String>,
}

impl Schema {
    pub(crate) fn new(
        database: Database,
        options: &Options,
        scope: Scope,
        journal: Journal,
        permit: Permit,
        replay: Replay,
    ) -> Self {
        let activity = Activity::new(database.client().clone(), Document::new());
        let performer = Performer::new(Mongo::reading(database), &options.names.records, journal, permit, replay);
        Self { performer, scope, activity, provided: options.provided.clone(), dry_run: None, unanswered: None }
    }

    /// Interrupts the run after this number of operations.
    pub(crate) fn dying_after(mut self, operations: Option<u32>) -> Self {
        self.performer.dies_after = operations;
        self
    }

    /// Executes operations in this session, and sends changes of the log to `requests`.
    pub(crate) fn executing(mut self, session: Session, requests: LogRequests) -> Self {
        let server = &mut self.performer.server;
        let activity = Activity::new(server.database.client().clone(), session.id().clone());
        (server.session, server.requests) = (Some(session), Some(requests));
        Self { activity, ..self }
    }

    /// Checks operations instead of executing them.
    pub(crate) fn dry_run(self, projection: Projection) -> Self {
        Self { dry_run: Some(projection), ..self }
    }

    /// Returns the current activity, which others need to end it.
    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Returns whether a body has had an effect, according to its log or to the database.
    pub(crate) async fn has_effects(&self, log: &Log) -> Result<bool, Error> {
        self.performer.has_effects(log).await
    }

    /// Checks that the body has repeated its whole log.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        self.performer.finish().await
    }

    /// Returns the replay and the session. The session is gone if the future of an operation was dropped.
    pub(crate) fn end(self) -> (Replay, Option<Session>) {
        let (replay, server) = self.performer.end();
        (replay, server.session)
    }

    /// Sets the time limit of each of the following operations: 1 millisecond to 24 days. Default: 10 minutes. An index on a large
    /// collection may need hours.
    ///
    /// An operation that is blocked by an open transaction is ended after 5 seconds and sent again, up to three times, so that the
    /// application's writes do not queue behind it. The last attempt has all the remaining time. A running index build is not
    /// ended.
    ///
    /// With a limit out of range, the following operations fail with [`Error::InvalidOption`].
    pub fn max_time(&mut self, limit: Duration) -> &mut Self {
        if MAX_TIME.contains(&limit) {
            self.performer.max_time = limit;
        } else {
            self.performer.refuse(Failure::Limit(limit));
        }
        self
    }

    /// Returns the value that the application provides for this type, like [`Tx::provided`](crate::Tx::provided). The calls of
    /// the body must not depend on a value that may be another one when it runs again; see [`Error::BodyChanged`].
    pub fn provided<T: Any + Send + Sync>(&self) -> Result<Arc<T>, Error> {
        self.performer.journal.provided(&self.provided)
    }

    /// Creates a collection. An existing one stays as it is, but gets the validator. An existing view stays, and fails if there is a
    /// validator.
    pub fn create_collection(&mut self, name: &str) -> CreateCollection<'_> {
        CreateCollection::new(self, name)
    }

    /// Drops a collection with all its documents, or a view. Does nothing if there is neither.
    pub async fn drop_collection(&mut self, name: &str) -> Result<(), Error> {
        let name = self.scope.collection(name);
        self.run(Effect::Drop { name }).await
    }

    /// Sets the validator of a collection: `{ "$jsonSchema": { .. } }` or any other query. Existing documents are not checked. Fails
    /// if the collection is missing, or is a view.
    pub async fn set_validator(&mut self, collection: &str, validator: Document) -> Result<(), Error> {
        self.modify_collection(collection, doc! { "validator": validator }).await
    }

    /// Runs `collMod` with these fields. Fails if the collection is missing. In a plugin's migration, `viewOn` and `pipeline` name the plugin's own collections.
    pub async fn modify_collection(&mut self, collection: &str, fields: Document) -> Result<(), Error> {
        let on = self.scope.collection(collection);
        let mut fields = self.scope.fields(fields)?;
        // The name is not an option: a plugin must not change somebody else's collection.
        fields.remove("collMod");
        self.run(Effect::Modify { on, fields }).await
    }

    /// Creates a view, or redefines an existing one. `on` may be missing: then the view is empty. Fails if `name` is a collection.
    pub async fn create_view(
        &mut self,
        name: &str,
        on: &str,
        pipeline: impl IntoIterator<Item = Document>,
    ) -> Result<(), Error> {
        let (name, on) = (self.scope.collection(name), self.scope.collection(on));
        let pipeline = self.scope.pipeline(pipeline)?;
        self.run(Effect::CreateView { name, on, pipeline }).await
    }

    /// Renames a collection.
    ///
    /// | `from` exists | `to` exists | |
    /// |---|---|---|
    /// | yes | no | renamed |
    /// | no | yes | nothing to do: it was renamed before |
    /// | yes | yes | fails; with [`replacing`](RenameCollection::replacing), drops `to` and renames `from` |
    /// | no | no | fails |
    ///
    /// The server renames neither views nor time series.
    ///
    /// ```
    /// # async fn body(schema: &mut mongrate::Schema) -> Result<(), mongrate::Error> {
    /// schema.rename_collection("orders_rebuilt", "orders").replacing().await
    /// # }
    /// ```
    pub fn rename_collection(&mut self, from: &str, to: &str) -> RenameCollection<'_> {
        RenameCollection::new(self, from, to)
    }

    /// Returns a warning about an operation that took effect after the lease was lost.
    pub(crate) fn late(&self) -> Option<String> {
        Some(format!("{} took effect after the lease was lost: run `validate`", self.performer.late()?))
    }

    pub(crate) fn missing_value(&self) -> Option<&'static str> {
        self.performer.journal.missing_value()
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.performer.journal.operations()
    }

    /// Performs an effect, or checks it in a dry run.
    async fn run(&mut self, effect: Effect) -> Result<(), Error> {
        self.performer.enter()?;
        let Some(projection) = &self.dry_run else {
            self.activity.begin(effect.kind());
            let performed = self.performer.perform(&effect).await;
            self.activity.end();
            return performed;
        };
        let found = if let Some(found) = self.performer.rehearse(&effect).await? {
            found
        } else {
            let (database, limit) = (&self.performer.server.database, self.performer.max_time);
            Check::new(database, effect.on(), limit, projection).run(&effect).await
        };
        projection.doubt(&effect, &found);
        self.performer.journal.checked(effect.kind(), effect.on(), found);
        Ok(())
    }
}
