//! `&mut Schema`: indexes, collections, views and validators, outside transactions.

mod activity;
mod ask;
mod before;
mod check;
mod collection;
mod course;
mod effect;
mod index;
mod log;
mod look;
mod moving;
mod perform;
mod send;
mod stuck;

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};

pub use collection::CreateCollection;
pub use index::CreateIndex;

pub(crate) use self::activity::Activity;
pub(crate) use self::ask::{Ask, Asking};
use self::check::Check;
pub(super) use self::check::Found;
pub(crate) use self::check::Projection;
pub(crate) use self::course::Course;
pub(crate) use self::effect::Effect;
pub(crate) use self::log::Log;
use self::stuck::Stuck;
use super::operation::{Journal, Operation};
use super::scope::Scope;
use crate::Error;
use crate::lock::{Permit, Session};

/// How long one operation may take unless it is told otherwise.
const DEFAULT_MAX_TIME: Duration = Duration::from_mins(10);

/// Server codes, from its `error_codes.yml`.
const NAMESPACE_NOT_FOUND: i32 = 26;
const INDEX_NOT_FOUND: i32 = 27;
const NAMESPACE_EXISTS: i32 = 48;
const MAX_TIME_MS_EXPIRED: i32 = 50;

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
/// In a [dry run](crate::Up::dry_run) no operation is executed: each one is checked, and returns Ok whatever is found; see
/// [`Prediction`](crate::Prediction).
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
    database: Database,
    /// The name of the collection of records.
    home: String,
    scope: Scope,
    journal: Journal,
    permit: Permit,
    max_time: Duration,
    course: Course,
    /// Why no further operation is started.
    stuck: Option<Stuck>,
    /// The run's, in which commands and the log's transactions go out one after the other; `None` in a dry run, and while it is
    /// with the executor.
    session: Option<Session>,
    asking: Option<Asking>,
    activity: Activity,
    /// Whether the server can be told which collection is meant, whatever has its name by then: from 6.0 on, and not within the
    /// stable API.
    fences: bool,
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
        Self {
            database,
            home: home.to_owned(),
            scope,
            journal,
            permit,
            max_time: DEFAULT_MAX_TIME,
            course,
            stuck: None,
            session: None,
            asking: None,
            activity,
            fences: true,
            dry_run: None,
        }
    }

    /// One that executes its operations in this session, and has its log stored by whom it asks.
    pub(crate) fn executing(self, session: Session, asking: Asking) -> Self {
        let activity = Activity::new(self.database.client().clone(), session.id().clone());
        Self { session: Some(session), asking: Some(asking), activity, ..self }
    }

    /// One that executes nothing, but finds out by reading what its operations would meet.
    pub(crate) fn dry_run(self, projection: Projection) -> Self {
        Self { dry_run: Some(projection), ..self }
    }

    /// What it has under way, for whoever has to end it.
    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// All calls that were made, in order: those that had an effect, those that had nothing to do, and those that an earlier
    /// execution had made.
    #[expect(dead_code, reason = "for the facts that a migration leaves")]
    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.course.effects().to_vec()
    }

    /// Ends it, and gives the session back, unless an operation that was dropped has kept it.
    pub(crate) fn end(self) -> (Course, Option<Session>) {
        (self.course, self.session)
    }

    /// The longest that each of the following operations may take; for an index on a large collection, give it hours. One that is
    /// blocked by somebody's open transaction is ended after 5 seconds and sent again, three times, so that the application's
    /// writes do not wait behind it; after that it has all the time that is left. An index build that runs is left to run.
    pub fn max_time(&mut self, limit: Duration) -> &mut Self {
        self.max_time = limit;
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

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.journal.operations()
    }

    /// Carries an effect out; in a dry run, finds out what it would meet.
    async fn run(&mut self, effect: Effect) -> Result<(), Error> {
        let Some(projection) = self.dry_run.clone() else { return self.perform(effect).await };
        self.enter()?;
        let found = match self.rehearse(&effect).await? {
            Some(found) => found,
            None => Check::new(&self.database, effect.on(), self.max_time, &projection).run(&effect).await,
        };
        self.journal.checked(effect.kind(), effect.on(), found);
        Ok(())
    }

    fn enter(&self) -> Result<(), Error> {
        self.permit.check().map_err(|reason| Error::Refused(format!("not started, because {reason}")))
    }
}

/// A command with a limit of time.
fn limited(mut command: Document, limit: Duration) -> Document {
    command.insert("maxTimeMS", i64::try_from(limit.as_millis()).unwrap_or(i64::MAX).max(1));
    command
}
