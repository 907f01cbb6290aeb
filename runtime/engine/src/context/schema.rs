//! `&mut Schema`: indexes, collections, views and validators, outside transactions.

mod activity;
mod ask;
mod before;
mod check;
mod collection;
mod command;
mod course;
pub(crate) mod effect;
mod index;
pub(crate) mod log;
mod look;
mod mongo;
mod moving;
mod patience;
mod perform;
mod seen;
mod send;
mod server;
mod stuck;

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};

pub use collection::CreateCollection;
pub use index::CreateIndex;

pub(crate) use self::activity::Activity;
pub(crate) use self::ask::{Ask, Asking};
use self::check::Check;
pub(crate) use self::check::Projection;
pub(crate) use self::course::Course;
pub(crate) use self::effect::Effect;
pub(crate) use self::log::Log;
use self::mongo::Mongo;
pub(crate) use self::perform::Performer;
use self::stuck::Stuck;
#[cfg(test)]
pub(crate) use self::{patience::Patience, server::Server};
use super::journal::Journal;
use super::scope::Scope;
use crate::error::Error;
use crate::lock::Session;
use crate::options::MAX_TIME;
use crate::report::Operation;
use crate::stop::Permit;

/// Indexes, collections, views and validators.
///
/// The server has no transactions for these, so a migration that takes `&mut Schema` keeps a log in its record: before each
/// operation what it is about to do, after it the result. When the process dies in the middle, or the body fails, the next run
/// **resumes where it stopped**: the body runs from its first line, but an operation that is done is skipped, and one that may
/// have been done is settled by looking at the database. Nothing is done twice, and nothing that a person could lose by it
/// is guessed: what cannot be settled is [`Error::InDoubt`].
///
/// So the body has to make the same calls in the same order when it runs again ([`Error::BodyChanged`] otherwise). Everything
/// from the operation on that has failed may be changed, which is how a failure is repaired.
///
/// Each operation by itself can be repeated: what is there already is left, or brought to what was asked. After an operation
/// has failed, all later ones are refused with its error, and a body that returns Ok all the same fails with
/// [`Error::IgnoredError`].
///
/// Every operation is bounded: by [`Schema::max_time`], or 10 minutes. The server ends it after that.
///
/// In a [dry run](crate::migrator::Up::dry_run) no operation is executed: each one is checked, and returns Ok whatever is found; see
/// [`Prediction`](crate::report::Prediction).
///
/// ```
/// use mongodb::bson::doc;
/// use mongrate::{Schema, migration};
///
/// /// Users are found by e-mail, and have one.
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
    /// In a dry run, which checks operations in place of executing them: what the earlier ones would have done.
    dry_run: Option<Projection>,
}

impl Schema {
    /// `home` is the name of the collection of records.
    pub(crate) fn new(
        database: Database,
        home: &str,
        scope: Scope,
        journal: Journal,
        permit: Permit,
        course: Course,
    ) -> Self {
        let activity = Activity::new(database.client().clone(), Document::new());
        let performer = Performer::new(Mongo::reading(database), home, journal, permit, course);
        Self { performer, scope, activity, dry_run: None }
    }

    /// One that executes its operations in this session, and has its log stored by whom it asks.
    pub(crate) fn executing(mut self, session: Session, asking: Asking) -> Self {
        let server = &mut self.performer.server;
        let activity = Activity::new(server.database.client().clone(), session.id().clone());
        (server.session, server.asking) = (Some(session), Some(asking));
        Self { activity, ..self }
    }

    /// One that executes nothing, but finds out by reading what its operations would meet.
    pub(crate) fn dry_run(self, projection: Projection) -> Self {
        Self { dry_run: Some(projection), ..self }
    }

    /// What it has under way, for whoever has to end it.
    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Whether a log says, or the database shows, that a body has had an effect.
    pub(crate) async fn has_effects(&self, log: &Log) -> Result<bool, Error> {
        self.performer.has_effects(log).await
    }

    /// That the body has come to the end of its log.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        self.performer.finish().await
    }

    /// Ends it, and gives the session back, unless an operation that was dropped has kept it.
    pub(crate) fn end(self) -> (Course, Option<Session>) {
        let (course, server) = self.performer.end();
        (course, server.session)
    }

    /// The longest that each of the following operations may take; for an index on a large collection, give it hours. One that is
    /// blocked by somebody's open transaction is ended after 5 seconds and sent again, three times, so that the application's
    /// writes do not wait behind it; after that it has all the time that is left. An index build that runs is left to run.
    ///
    /// From 1 millisecond to 24 days. Anything else is refused: the following operations, and with them the body, fail with
    /// [`Error::InvalidOption`].
    pub fn max_time(&mut self, limit: Duration) -> &mut Self {
        if MAX_TIME.contains(&limit) {
            self.performer.max_time = limit;
        } else {
            self.performer.refuse(Stuck::Limit(limit));
        }
        self
    }

    /// Creates an index, unless the same one is there. Set its options before awaiting it:
    ///
    /// ```
    /// # use mongrate::{Schema, migration};
    /// # use mongodb::bson::doc;
    /// # async fn body(schema: &mut Schema) -> Result<(), mongrate::Error> {
    /// schema.create_index("users", doc! { "email": 1 }).unique().partial(doc! { "email": { "$exists": true } }).await
    /// # }
    /// ```
    pub fn create_index(&mut self, collection: &str, keys: Document) -> CreateIndex<'_> {
        CreateIndex::new(self, collection, keys)
    }

    /// Drops an index by name; nothing happens when it is not there.
    pub async fn drop_index(&mut self, collection: &str, name: &str) -> Result<(), Error> {
        let on = self.scope.collection(collection);
        self.run(Effect::DropIndex { on, name: name.to_owned() }).await
    }

    /// Creates a collection. One that is there already is left as it is, but gets the validator that was asked for.
    pub fn create_collection(&mut self, name: &str) -> CreateCollection<'_> {
        CreateCollection::new(self, name)
    }

    /// Drops a collection or a view with everything in it; nothing happens when it is not there.
    pub async fn drop_collection(&mut self, name: &str) -> Result<(), Error> {
        let name = self.scope.collection(name);
        self.run(Effect::Drop { name }).await
    }

    /// Sets a collection's validator (`{ "$jsonSchema": { .. } }` or any query). Documents that are there already are
    /// not checked.
    pub async fn set_validator(&mut self, collection: &str, validator: Document) -> Result<(), Error> {
        self.modify_collection(collection, doc! { "validator": validator }).await
    }

    /// Any other `collMod`: the fields are those of the server's command. For a plugin, the collections that a view's
    /// fields name are its own.
    pub async fn modify_collection(&mut self, collection: &str, fields: Document) -> Result<(), Error> {
        let on = self.scope.collection(collection);
        let mut fields = self.scope.fields(fields)?;
        // Whatever the fields say: a plugin's are for its own collections.
        fields.remove("collMod");
        self.run(Effect::Modify { on, fields }).await
    }

    /// Creates a view, or gives an existing one this definition.
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

    /// Renames a collection. Nothing happens when that was done already: the old name is gone, the new one is there.
    pub async fn rename_collection(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let (from, to) = (self.scope.collection(from), self.scope.collection(to));
        self.run(Effect::Rename { from, to }).await
    }

    /// What a person has to know of an operation that came too late to be undone.
    pub(crate) fn late(&self) -> Option<String> {
        Some(format!("{} took effect after the lease was lost: run `validate`", self.performer.late()?))
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.performer.journal.operations()
    }

    /// Carries an effect out; in a dry run, finds out what it would meet.
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
        self.performer.journal.checked(effect.kind(), effect.on(), found);
        Ok(())
    }
}
