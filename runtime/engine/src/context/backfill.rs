//! `&mut Backfill`: describes a change of many documents, which is made in batches.

mod ask;
mod change;
mod description;
mod pace;

use std::any::{Any, type_name};
use std::future::{IntoFuture, Ready, ready};
use std::num::NonZeroU32;
use std::sync::Arc;

use mongodb::bson::{Document, RawDocument, RawDocumentBuf};
use mongodb::options::UpdateModifications;
use mongodb::{BoxFuture, Database};
use serde::de::DeserializeOwned;

pub(crate) use self::ask::Ask;
pub use self::change::Change;
pub(crate) use self::change::{Compute, Deed, Work};
pub(crate) use self::description::{Action, Batches, Description};
pub use self::pace::{InvalidPace, Pace};
use super::Tx;
use super::scope::Scope;
use crate::context::encoding::decoded;
use crate::error::Error;
use crate::migration::registration::BoxError;
use crate::migration::{Migration, Provided};

/// Rewrites a large collection in batches while the application runs.
///
/// The body describes the change: one collection, which of its documents, and what to do with them. Awaiting the description
/// hands it to Mongrate; nothing has changed when the body goes on. Every process that takes part runs the body to learn what to
/// do, so it must describe the same change each time: compute values from the documents, not from the clock.
///
/// The documents are changed in the order of their `_id`, in parallel, in transactions of up to 10,000. Each transaction also
/// stores how far it has come. So every document that the collection has at the start, and that matches, is changed exactly
/// once, no matter which processes die, and when. The migration lock is not held meanwhile: other migrations
/// run, and several processes share the work. Only migrations that depend on this one wait for it.
///
/// While a secondary or a majority of the members falls behind, or the primary's cache fills with changes, the work is slowed, and
/// then stopped, until they recover: see the guide on backfills.
///
/// - Documents that are inserted later are not visited, unless their `_id` lies between two others, or the backfill declares
///   [`remaining`](Documents::remaining). Deploy the code that writes the new form first.
/// - On a standalone server, which has no transactions, a batch that was interrupted is repeated. There a backfill must declare
///   [`remaining`](Documents::remaining) or [`repeatable`](Documents::repeatable).
/// - Views, time series and capped collections cannot be rewritten this way: take [`&Database`](mongodb::Database).
/// - A backfill with a `timeout` does not compile.
///
/// ```
/// use mongodb::bson::doc;
/// use mongrate::{Backfill, migration};
///
/// /// Every order knows its total.
/// #[migration(id = "010_order_totals")]
/// async fn order_totals(backfill: &mut Backfill) -> Result<(), mongrate::Error> {
///     let total = doc! { "$set": { "total": { "$sum": "$lines.price" } } };
///     backfill.collection("orders").remaining(doc! { "total": { "$exists": false } }).update(vec![total]).await
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Backfill {
    migration: Migration,
    provided: Provided,
    described: Option<Description>,
}

impl Backfill {
    pub(crate) fn new(migration: Migration, provided: Provided) -> Self {
        Self { migration, provided, described: None }
    }

    /// The collection to change. A body changes one collection, once.
    pub fn collection(&mut self, name: &str) -> Documents<'_> {
        let name = Scope::of(self.migration.source()).collection(name);
        Documents { described: &mut self.described, description: Description::new(name, self.migration) }
    }

    /// Returns the value that the application provides for this type, like [`Tx::provided`](crate::Tx::provided).
    pub fn provided<T: Any + Send + Sync>(&self) -> Result<Arc<T>, Error> {
        let missing = || Error::NotProvided { id: self.migration.id(), name: type_name::<T>() };
        self.provided.get().ok_or_else(missing)
    }

    /// Returns what the body has described.
    pub(crate) fn into_description(self) -> Result<Description, Error> {
        let description = self.described.ok_or_else(|| {
            Error::Refused(
                "the body describes no change: await `backfill.collection(..)` with `update`, `delete`, `each` or `in_batches`"
                    .to_owned(),
            )
        })?;
        description.check()?;
        Ok(description)
    }
}

/// The documents of a collection to change.
#[derive(Debug)]
#[must_use = "nothing is described until `update`, `delete`, `each` or `in_batches` is awaited"]
pub struct Documents<'b> {
    described: &'b mut Option<Description>,
    description: Description,
}

impl<'b> Documents<'b> {
    /// Which documents the change is about. Default: all.
    pub fn filter(mut self, about: Document) -> Self {
        self.description.filter = about;
        self
    }

    /// Which documents are left to do. The change must make this false for each document, which is checked.
    ///
    /// With it, the backfill can be repeated, and runs on a standalone server. It does not complete before a **sweep**, another pass
    /// over the whole collection, has found no document that matches: those that the application has written in the old form
    /// before it passes are changed, too. It fails if three sweeps in a row have found some. A `down`, and a collection of up to
    /// 10,000 documents, are not swept.
    pub fn remaining(mut self, left: Document) -> Self {
        self.description.remaining = Some(left);
        self
    }

    /// The number of batches that run at the same time, over all processes. Default: 2. [`Migrator::steer`](crate::Migrator::steer)
    /// changes it later.
    pub fn workers(mut self, workers: NonZeroU32) -> Self {
        self.description.workers = workers.get();
        self
    }

    /// The largest number of documents in one transaction. Default: 10,000. Batches start smaller, and last about 100 ms.
    pub fn batch(mut self, at_most: NonZeroU32) -> Self {
        self.description.batch = at_most.get();
        self
    }

    /// How fast to work. Default: [`Polite`](Pace::Polite) in the background of a [boot](crate::Migrator::boot),
    /// [`Full`](Pace::Full) in a run that somebody started. [`Migrator::steer`](crate::Migrator::steer) changes it later.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.description.pace = Some(pace);
        self
    }

    /// Starts no batch while this function of the application returns a reason, such as the length of its own queue. The work goes on
    /// when it returns `None`. Each process that takes part calls it before its first batch, and then every 5 seconds, except while
    /// the backfill is paused. If it fails, or has not returned within 10 seconds, the work is slowed. It must not block its thread.
    /// A collection of up to 10,000 documents is changed at once, without calling it.
    ///
    /// Anybody who may see the backfill sees the reason: it should name the value and the limit, and no secrets. The argument is the
    /// database that is migrated.
    ///
    /// ```
    /// use mongodb::Database;
    /// use mongodb::bson::{Document, doc};
    /// use mongrate::{Backfill, migration};
    ///
    /// /// Every order knows its total.
    /// #[migration(id = "010_order_totals")]
    /// async fn order_totals(backfill: &mut Backfill) -> Result<(), mongrate::Error> {
    ///     let orders = backfill.collection("orders").throttle_when(too_many_jobs);
    ///     orders.update(vec![doc! { "$set": { "total": { "$sum": "$lines.price" } } }]).await
    /// }
    ///
    /// async fn too_many_jobs(database: Database) -> Result<Option<String>, mongodb::error::Error> {
    ///     let jobs = database.collection::<Document>("jobs").estimated_document_count().await?;
    ///     Ok((jobs > 1_000).then(|| format!("{jobs} jobs are waiting, limit 1000")))
    /// }
    /// # fn main() {}
    /// ```
    pub fn throttle_when<F, Fut, E>(mut self, ask: F) -> Self
    where
        F: Fn(Database) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<String>, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.description.throttle = Some(Ask::new(move |database| {
            let asked = ask(database);
            Box::pin(async { asked.await.map_err(Into::into) })
        }));
        self
    }

    /// Makes a [boot](crate::Migrator::boot), and a run in the [background](crate::migrator::Up::background), work on the backfill
    /// until it has completed. Use it if the application cannot serve before then. A boot fails with
    /// [`Error::Pending`](crate::Error::Pending) if it cannot complete it, because it is paused or was started with other code.
    /// Default: it goes on in the background.
    pub fn blocking(mut self) -> Self {
        self.description.blocking = true;
        self
    }

    /// Declares that changing a document twice does no harm, so that the backfill runs on a standalone server.
    pub fn repeatable(mut self) -> Self {
        self.description.repeatable = true;
        self
    }

    /// The number of documents, at most 1,000, whose change may fail before the backfill stops. Default: 0.
    ///
    /// They are skipped, and the others are changed. Then the migration fails, and [`Migrator::skipped`](crate::Migrator::skipped)
    /// lists what was skipped. The next run tries these documents again, and completes the migration when none is left. Workers
    /// that skip a document at the same time may exceed the number by one each.
    pub fn skip_failed(mut self, at_most: u32) -> Self {
        self.description.skip = at_most;
        self
    }

    /// Changes each document on the server, with operators or a pipeline, like the driver's `update_many`.
    pub fn update(mut self, update: impl Into<UpdateModifications>) -> Described<'b> {
        self.description.action = Action::Update(update.into());
        Described(self)
    }

    /// Computes the change of each document in Rust.
    ///
    /// The documents are read in the transaction that changes them, so that no concurrent write of the application is lost. The
    /// function may be called more than once for a document: it should have no effects of its own. Its error fails the
    /// migration, and names the document.
    ///
    /// ```
    /// use mongodb::bson::doc;
    /// use mongrate::context::Change;
    /// use mongrate::{Backfill, migration};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Page {
    ///     title: String,
    /// }
    ///
    /// /// Every page has a slug.
    /// #[migration(id = "011_slugs")]
    /// async fn slugs(backfill: &mut Backfill) -> Result<(), mongrate::Error> {
    ///     let slug = |page: Page| Ok(Change::set(doc! { "slug": page.title.to_lowercase().replace(' ', "-") }));
    ///     backfill.collection("pages").project(doc! { "title": 1 }).each::<_, std::convert::Infallible>(slug).await
    /// }
    /// # fn main() {}
    /// ```
    pub fn each<T, E>(mut self, change: impl Fn(T) -> Result<Change, E> + Send + Sync + 'static) -> Described<'b>
    where
        T: DeserializeOwned + 'static,
        E: Into<BoxError> + 'static,
    {
        let compute = move |document: &RawDocument| change(decoded(document)?).map_err(Into::into);
        self.description.action = Action::Each(Compute::new(compute));
        Described(self)
    }

    /// Hands the documents of a batch to an async function, with the transaction of the batch: to move them to another collection,
    /// to read others, or to ask another service.
    ///
    /// What the function writes with the [`Tx`] takes effect together with the checkpoint of the batch, exactly once. The function
    /// may be called more than once for a document. Its first batch has one document, later ones as many as it manages in about
    /// 100 ms. A batch may last 15 seconds, or half a lease if that is shorter; then it fails. An error fails the migration, after it
    /// was narrowed down to one document. A [dry run](crate::migrator::Up::dry_run) calls it for the first document.
    ///
    /// ```
    /// use mongodb::bson::{Document, doc};
    /// use mongrate::{Backfill, Tx, migration};
    ///
    /// /// Events of 2025 are in a collection of their own.
    /// #[migration(id = "012_archive")]
    /// async fn archive(backfill: &mut Backfill) -> Result<(), mongrate::Error> {
    ///     let events = backfill.collection("events").filter(doc! { "year": 2025 });
    ///     events.in_batches(move_to_archive).await
    /// }
    ///
    /// async fn move_to_archive(events: Vec<Document>, tx: Tx) -> Result<(), mongodb::error::Error> {
    ///     let ids: Vec<_> = events.iter().filter_map(|event| event.get("_id")).collect();
    ///     tx.collection::<Document>("events").delete_many(doc! { "_id": { "$in": ids } }).await?;
    ///     tx.collection("events_2025").insert_many(events).await?;
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    pub fn in_batches<T, F, Fut, E>(mut self, change: F) -> Described<'b>
    where
        T: DeserializeOwned + 'static,
        F: Fn(Vec<T>, Tx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let work = move |documents: Vec<RawDocumentBuf>, tx: Tx| -> BoxFuture<'static, Result<(), BoxError>> {
            let documents: Result<Vec<T>, _> = documents.iter().map(|document| decoded(document)).collect();
            match documents {
                Ok(documents) => {
                    let changed = change(documents, tx);
                    Box::pin(async { changed.await.map_err(Into::into) })
                }
                Err(error) => Box::pin(ready(Err(error.into()))),
            }
        };
        self.description.action = Action::Batches(Work::new(work));
        Described(self)
    }

    /// The fields to read for [`each`](Self::each) and [`in_batches`](Self::in_batches). Default: all.
    pub fn project(mut self, fields: Document) -> Self {
        self.description.project = Some(fields);
        self
    }

    /// Deletes each document.
    pub fn delete(mut self) -> Described<'b> {
        self.description.action = Action::Delete;
        Described(self)
    }
}

/// A described change, which is handed over when it is awaited.
#[derive(Debug)]
#[must_use = "nothing is described until this is awaited"]
pub struct Described<'b>(Documents<'b>);

impl IntoFuture for Described<'_> {
    type Output = Result<(), Error>;
    type IntoFuture = Ready<Result<(), Error>>;

    fn into_future(self) -> Self::IntoFuture {
        let Documents { described, description } = self.0;
        ready(match described.replace(description) {
            None => Ok(()),
            Some(_) => Err(Error::Refused(
                "a backfill makes one change of one collection; write another migration for the second".to_owned(),
            )),
        })
    }
}
