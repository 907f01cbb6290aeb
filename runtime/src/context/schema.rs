//! `&mut Schema`: indexes, collections, views and validators, outside transactions.

mod check;
mod collection;
#[expect(dead_code, reason = "not built by the operations yet")]
mod effect;
mod index;

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};

pub use collection::CreateCollection;
pub use index::CreateIndex;

pub(super) use self::check::Found;
pub(crate) use self::check::Projection;
use self::check::{Check, Intent};
use super::operation::{Counts, Journal, Operation};
use super::scope::Scope;
use crate::Error;
use crate::elapsed::Elapsed;
use crate::error::code;
use crate::lock::Permit;

/// How long one operation may take unless it is told otherwise.
const DEFAULT_MAX_TIME: Duration = Duration::from_mins(10);

/// Server codes, from its `error_codes.yml`.
const NAMESPACE_NOT_FOUND: i32 = 26;
const INDEX_NOT_FOUND: i32 = 27;
const NAMESPACE_EXISTS: i32 = 48;
/// How 5.0 refuses a view that has the name of a collection.
const VIEW_OVER_COLLECTION: i32 = 17399;
const MAX_TIME_MS_EXPIRED: i32 = 50;

/// Indexes, collections, views and validators.
///
/// The server has no transactions for these, so a migration that takes `&mut Schema` runs *at least once*: when the
/// process dies in the middle, the next one starts again from the top. Every operation here is idempotent, which makes
/// that harmless: what is there already is left or brought to what was asked.
///
/// Every operation is bounded: by [`Schema::max_time`], or 10 minutes. The server ends it after that.
///
/// In a [dry run](crate::Up::dry_run) no operation is executed: each one is checked by reading, and returns Ok whatever is
/// found.
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
    scope: Scope,
    journal: Journal,
    permit: Permit,
    max_time: Duration,
    /// In a dry run, which checks operations in place of executing them: what the earlier ones would have done.
    dry_run: Option<Projection>,
}

impl Schema {
    pub(crate) fn new(database: Database, scope: Scope, journal: Journal, permit: Permit) -> Self {
        Self { database, scope, journal, permit, max_time: DEFAULT_MAX_TIME, dry_run: None }
    }

    /// One that executes nothing, but finds out by reading what its operations would meet.
    pub(crate) fn dry_run(self, projection: Projection) -> Self {
        Self { dry_run: Some(projection), ..self }
    }

    /// The longest that each of the following operations may take; for an index on a large collection, give it hours. An index
    /// that is blocked by somebody's open transaction is tried three times within it; the last attempt has eight tenths of it.
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
        let collection = self.scope.collection(collection);
        if let Some(projection) = &self.dry_run {
            return self.check(projection, "drop_index", &collection, Intent::DropIndex { name }).await;
        }
        let command = doc! { "dropIndexes": &collection, "index": name };
        self.run("drop_index", &collection, command, &[INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND]).await?;
        Ok(())
    }

    /// Creates a collection. One that is there already is left as it is, but gets the validator that was asked for.
    pub fn create_collection(&mut self, name: &str) -> CreateCollection<'_> {
        CreateCollection::new(self, name)
    }

    /// Drops a collection or a view with everything in it; nothing happens when it is not there.
    pub async fn drop_collection(&mut self, name: &str) -> Result<(), Error> {
        let collection = self.scope.collection(name);
        if let Some(projection) = &self.dry_run {
            return self.check(projection, "drop_collection", &collection, Intent::DropCollection).await;
        }
        self.run("drop_collection", &collection, doc! { "drop": &collection }, &[NAMESPACE_NOT_FOUND]).await?;
        Ok(())
    }

    /// Sets a collection's validator (`{ "$jsonSchema": { .. } }` or any query). Documents that are there already are
    /// not checked.
    pub async fn set_validator(&mut self, collection: &str, validator: Document) -> Result<(), Error> {
        self.modify_collection(collection, doc! { "validator": validator }).await
    }

    /// Any other `collMod`: the fields are those of the server's command. For a plugin, the collections that a view's
    /// fields name are its own.
    pub async fn modify_collection(&mut self, collection: &str, fields: Document) -> Result<(), Error> {
        let collection = self.scope.collection(collection);
        let mut command = doc! { "collMod": &collection };
        command.extend(self.scope.fields(fields)?);
        // Whatever the fields say: a plugin's are for its own collections.
        command.insert("collMod", &collection);
        if let Some(projection) = &self.dry_run {
            return self.check(projection, "modify_collection", &collection, Intent::Modify { fields: &command }).await;
        }
        self.run("modify_collection", &collection, command, &[]).await?;
        Ok(())
    }

    /// Creates a view, or gives an existing one this definition.
    pub async fn create_view(
        &mut self,
        name: &str,
        on: &str,
        pipeline: impl IntoIterator<Item = Document>,
    ) -> Result<(), Error> {
        let (view, on) = (self.scope.collection(name), self.scope.collection(on));
        let pipeline = self.scope.pipeline(pipeline)?;
        if let Some(projection) = &self.dry_run {
            return self
                .check(projection, "create_view", &view, Intent::CreateView { on: &on, pipeline: &pipeline })
                .await;
        }
        let definition = doc! { "viewOn": on, "pipeline": pipeline };
        let mut create = doc! { "create": &view };
        create.extend(definition.clone());
        let already = [NAMESPACE_EXISTS, VIEW_OVER_COLLECTION];
        if self.run("create_view", &view, create, &already).await? == Done::Already {
            let mut modify = doc! { "collMod": &view };
            modify.extend(definition);
            self.run("create_view", &view, modify, &[]).await?;
        }
        Ok(())
    }

    /// Renames a collection. Nothing happens when that was done already: the old name is gone, the new one is there.
    pub async fn rename_collection(&mut self, from: &str, to: &str) -> Result<(), Error> {
        self.enter()?;
        let (from, to) = (self.scope.collection(from), self.scope.collection(to));
        if let Some(projection) = &self.dry_run {
            return self.check(projection, "rename_collection", &from, Intent::Rename { to: &to }).await;
        }
        let named = self.database.list_collection_names().filter(doc! { "name": { "$in": [&from, &to] } }).await;
        let named = named.map_err(|error| Error::server(format!("list the collections '{from}' and '{to}'"), error))?;
        if !named.contains(&from) && named.contains(&to) {
            return Ok(());
        }
        let database = self.database.name();
        let command = doc! { "renameCollection": format!("{database}.{from}"), "to": format!("{database}.{to}") };
        let admin = self.database.client().database("admin");
        self.run_on(&admin, "rename_collection", &from, command, &[]).await?;
        Ok(())
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.journal.operations()
    }

    /// Notes what an operation would meet, in place of executing it.
    async fn check(
        &self,
        projection: &Projection,
        kind: &'static str,
        collection: &str,
        intent: Intent<'_>,
    ) -> Result<(), Error> {
        self.enter()?;
        let found = Check::new(&self.database, collection, self.max_time, projection).run(intent).await;
        self.journal.checked(kind, collection, found);
        Ok(())
    }

    async fn run(
        &self,
        kind: &'static str,
        collection: &str,
        command: Document,
        already: &[i32],
    ) -> Result<Done, Error> {
        self.run_on(&self.database, kind, collection, command, already).await
    }

    /// Runs a command with the bound and a durable write concern; the codes in `already` mean that nothing is to do.
    async fn run_on(
        &self,
        database: &Database,
        kind: &'static str,
        collection: &str,
        mut command: Document,
        already: &[i32],
    ) -> Result<Done, Error> {
        self.enter()?;
        command.insert("maxTimeMS", i64::try_from(self.max_time.as_millis()).unwrap_or(i64::MAX));
        command.insert("writeConcern", doc! { "w": "majority", "j": true });
        let result = database.run_command(command).await.and_then(|reply| on_a_majority(&reply));
        self.note(kind, collection, result, already)
    }

    /// Notes how an operation ended, and turns its error into ours.
    fn note(
        &self,
        kind: &'static str,
        collection: &str,
        result: mongodb::error::Result<()>,
        already: &[i32],
    ) -> Result<Done, Error> {
        match result {
            Ok(()) => {
                self.journal.succeeded(kind, collection, Counts::default(), Vec::new());
                Ok(Done::Now)
            }
            Err(error) if code(&error).is_some_and(|code| already.contains(&code)) => Ok(Done::Already),
            Err(error) => {
                self.journal.failed(kind, collection, &error);
                // An index is on a collection; everything else is done to it.
                let on = if kind.ends_with("_index") { " on" } else { "" };
                let mut doing = format!("{}{on} '{collection}'", kind.replace('_', " "));
                if code(&error) == Some(MAX_TIME_MS_EXPIRED) {
                    let limit = Elapsed(self.max_time);
                    doing = format!("{doing} within {limit}, perhaps for an open transaction that has touched it");
                }
                Err(Error::server(doing, error))
            }
        }
    }

    fn enter(&self) -> Result<(), Error> {
        self.permit.check().map_err(|reason| Error::Refused(format!("not started, because {reason}")))
    }
}

/// The driver's `run_command` looks at nothing but `ok`. What has not reached a majority can be undone by a fail-over, and the record
/// of the migration would say that it is there.
fn on_a_majority(reply: &Document) -> mongodb::error::Result<()> {
    let Some(error) = reply.get("writeConcernError") else { return Ok(()) };
    Err(mongodb::error::Error::custom(format!("it is not known to have reached a majority of the members: {error}")))
}

/// Whether an operation had anything to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Now,
    Already,
}
