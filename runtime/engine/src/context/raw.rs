//! `&Raw`: a database handle without protection, with access to the application.

use std::any::{Any, type_name};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mongodb::Database;
use tokio::time::Instant;

use crate::error::Error;
use crate::events::{Event, EventSender};
use crate::migration::{Migration, Provided};

/// The shortest time between two reports of progress.
const INTERVAL: Duration = Duration::from_millis(500);

/// A [`Database`] outside transactions, with the application's values and a way to report progress. It dereferences to the
/// [`Database`], and a migration that takes it runs like one that takes `&Database`: at least once.
///
/// ```
/// use mongodb::bson::{Document, doc};
/// use mongrate::{Raw, migration};
///
/// pub struct Plans(pub Vec<&'static str>);
///
/// /// Every plan of the configuration has a document.
/// #[migration(id = "001_plans", needs = [Plans])]
/// async fn plans(db: &Raw) -> Result<(), anyhow::Error> {
///     let Plans(plans) = &*db.provided::<Plans>()?;
///     for (done, plan) in (1..).zip(plans) {
///         let plan = doc! { "_id": plan };
///         db.collection::<Document>("plans").replace_one(plan.clone(), plan).upsert(true).await?;
///         db.report_progress(done, plans.len() as u64);
///     }
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Raw {
    database: Database,
    migration: Migration,
    provided: Provided,
    events: EventSender,
    reported: Mutex<Option<Instant>>,
}

impl Raw {
    pub(crate) fn new(database: Database, migration: Migration, provided: Provided, events: EventSender) -> Self {
        Self { database, migration, provided, events, reported: Mutex::default() }
    }

    /// Returns the value that the application provides for this type, like [`Tx::provided`](crate::Tx::provided).
    pub fn provided<T: Any + Send + Sync>(&self) -> Result<Arc<T>, Error> {
        let missing = || Error::NotProvided { id: self.migration.id(), name: type_name::<T>() };
        self.provided.get().ok_or_else(missing)
    }

    /// Reports how much is done, in a unit of the migration's choice, and how much there is to do, if that is known. It is
    /// logged, sent as [`Event::Progress`] and shown by the command line: at most twice a second, and at the end
    /// (`done` equals `total`).
    pub fn report_progress(&self, done: u64, total: impl Into<Option<u64>>) {
        let total = total.into();
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if total != Some(done) && reported.is_some_and(|reported| reported.elapsed() < INTERVAL) {
            return;
        }
        *reported = Some(Instant::now());
        tracing::info!(done, total, "progress");
        let migration = self.migration;
        self.events.emit(|| Event::Progress { migration, done, total });
    }
}

impl Deref for Raw {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}
