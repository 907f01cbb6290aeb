//! One database that is administered, and what this process knows about it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use mongrate::migrator::{BackfillStatus, Details, SkippedDocument};
use mongrate::status::Status;
use mongrate::{Error, Migrator};
use tokio::sync::Semaphore;

use crate::backfills;
use crate::runs::Runs;
use crate::watch::Watch;

/// A database with its migrator. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Site(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    migrator: Migrator,
    is_tenant: bool,
    runs: Runs,
    watch: Watch,
    last: Mutex<Option<Seen>>,
}

/// A status with the progress of its backfills, and when it was read.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) status: Arc<Status>,
    pub(crate) backfills: Arc<[BackfillStatus]>,
    pub(crate) at: SystemTime,
}

impl Site {
    /// `dry_runs` has one permit for the whole process.
    pub(crate) fn new(migrator: Migrator, dry_runs: Arc<Semaphore>) -> Self {
        Self::of(migrator, dry_runs, false)
    }

    /// The database of a tenant.
    pub(crate) fn of_tenant(migrator: Migrator, dry_runs: Arc<Semaphore>) -> Self {
        Self::of(migrator, dry_runs, true)
    }

    fn of(migrator: Migrator, dry_runs: Arc<Semaphore>, is_tenant: bool) -> Self {
        Self(Arc::new(Inner {
            runs: Runs::new(&migrator, dry_runs),
            watch: Watch::new(&migrator),
            migrator,
            is_tenant,
            last: Mutex::default(),
        }))
    }

    /// Returns whether nothing else uses it at the moment, and nobody watches it.
    pub(crate) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.0) == 1 && self.runs().is_idle() && self.watch().is_idle()
    }

    /// The name of the database that a request has to say, or `None` for the application's own.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.0.is_tenant.then(|| self.0.migrator.database().name())
    }

    pub(crate) fn migrator(&self) -> &Migrator {
        &self.0.migrator
    }

    pub(crate) fn runs(&self) -> &Runs {
        &self.0.runs
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.0.watch
    }

    /// Ends its streams, and stops its runs in good order.
    pub(crate) async fn close(&self) {
        self.watch().close();
        self.runs().close().await;
    }

    /// Reads the status, and keeps it for [`last_seen`](Self::last_seen).
    pub(crate) async fn status(&self) -> Result<Seen, Error> {
        self.keep(self.migrator().status().await?).await
    }

    /// Reads everything about a migration, and keeps the status that comes with it. Of an open backfill, with what it has skipped.
    pub(crate) async fn show(&self, id: &str) -> Result<(Details, Seen, Vec<SkippedDocument>), Error> {
        let details = self.migrator().show(id).await?;
        let seen = self.keep(details.status().clone()).await?;
        let has_skipped = seen.backfills.iter().any(|backfill| backfill.id == id && backfill.skipped > 0);
        let skipped = if has_skipped { self.migrator().skipped(id).await } else { Ok(Vec::new()) };
        match skipped {
            Ok(skipped) => Ok((details, seen, skipped)),
            // It has ended meanwhile.
            Err(Error::NotUnderway { .. }) => Ok((details, seen, Vec::new())),
            Err(error) => Err(error),
        }
    }

    async fn keep(&self, status: Status) -> Result<Seen, Error> {
        let backfills = backfills::read(self.migrator(), &status).await?.into();
        let seen = Seen { status: Arc::new(status), backfills, at: SystemTime::now() };
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen.clone());
        Ok(seen)
    }

    /// The status that was read last, for when the database does not answer.
    pub(crate) fn last_seen(&self) -> Option<Seen> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
