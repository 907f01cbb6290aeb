//! The history of executions and manual changes.

use std::fmt;
use std::future::IntoFuture;

use mongodb::BoxFuture;
use mongodb::bson::DateTime;

use super::Migrator;
use crate::display::Elapsed;
use crate::error::Error;
use crate::options::invalid;
use crate::plan::unknown;
use crate::record::history::{Act, Cursor};
use crate::record::{HistoryEntry, RecordStatus};
use crate::store::{Query, Statistics};

/// A query of the history; returned by [`Migrator::history`]. Set its filters, then await it. Reads twice; never writes.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// use mongrate::record::RecordStatus;
///
/// let page = migrator.history().status(RecordStatus::Failed).limit(20).await?;
/// println!("{} failures in total. The latest:\n{page}", page.total);
/// # Ok(()) }
/// ```
#[must_use = "nothing is read until this is awaited"]
#[derive(Clone, Debug)]
pub struct History {
    migrator: Migrator,
    query: Query,
    skip: u64,
    limit: u32,
}

/// A page of the history.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HistoryPage {
    /// The entries, newest first.
    pub entries: Vec<HistoryEntry>,
    /// The number of matching entries on all pages.
    pub total: u64,
    /// The cursor of the next page, for [`History::after`]. `None` on the last page.
    pub next: Option<Cursor>,
}

impl History {
    /// The maximum length of a page, in entries.
    pub const MAX_LIMIT: u32 = 500;
}

impl Migrator {
    /// Queries the history of executions and manual changes, newest first. Never writes.
    pub fn history(&self) -> History {
        History { migrator: self.clone(), query: Query::default(), skip: 0, limit: 100 }
    }

    /// Returns statistics about the executions of each migration, sorted by qualified id: their number, failures and durations.
    /// Reads once; never writes.
    pub async fn statistics(&self) -> Result<Vec<Statistics>, Error> {
        self.clone().complete(async |this| this.0.tracker.statistics().await).await
    }
}

impl History {
    /// Selects entries with this resulting status.
    pub fn status(mut self, status: RecordStatus) -> Self {
        self.query.status = Some(status);
        self
    }

    /// Selects the migrations of one source: `system`, `module:<name>` or `plugin:<name>`.
    pub fn source(mut self, name: impl Into<String>) -> Self {
        self.query.source = Some(name.into());
        self
    }

    /// Selects the migration with this qualified id. It does not have to be linked in, but fails with
    /// [`Error::UnknownMigration`] if it is not recorded, either.
    pub fn migration(mut self, id: impl Into<String>) -> Self {
        self.query.migration = Some(id.into());
        self
    }

    /// Selects entries of this actor.
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.query.by = Some(name.into());
        self
    }

    /// Selects entries of this act. Call it again to select several acts.
    pub fn act(mut self, act: Act) -> Self {
        self.query.acts.push(act);
        self
    }

    /// Selects entries that were executed at this time or later.
    pub fn since(mut self, time: DateTime) -> Self {
        self.query.since = Some(time);
        self
    }

    /// Selects entries that were executed before this time.
    pub fn until(mut self, time: DateTime) -> Self {
        self.query.until = Some(time);
        self
    }

    /// Selects the entries of one run, by the token of its lease.
    pub fn token(mut self, token: i64) -> Self {
        self.query.token = Some(token);
        self
    }

    /// Limits the length of the page, from 1 to 500 entries; anything else is [`Error::PageSize`]. Default: 100.
    pub fn limit(mut self, entries: u32) -> Self {
        self.limit = entries;
        self
    }

    /// Begins after this position, which is the [`HistoryPage::next`] of the page before. Unlike [`skip`](Self::skip), entries that
    /// are added meanwhile do not shift the pages.
    ///
    /// ```no_run
    /// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
    /// let mut page = migrator.history().await?;
    /// while let Some(next) = &page.next {
    ///     page = migrator.history().after(next).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn after(mut self, cursor: &Cursor) -> Self {
        self.query.after = Some(*cursor);
        self
    }

    /// Skips this number of the newest matching entries, at most `i64::MAX`.
    pub fn skip(mut self, entries: u64) -> Self {
        self.skip = entries;
        self
    }
}

impl IntoFuture for History {
    type Output = Result<HistoryPage, Error>;
    type IntoFuture = BoxFuture<'static, Result<HistoryPage, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { migrator, query, skip, limit } = self;
        Box::pin(migrator.complete(async move |this| {
            if !(1..=Self::MAX_LIMIT).contains(&limit) {
                return Err(Error::PageSize { limit });
            }
            if i64::try_from(skip).is_err() {
                return Err(invalid("skip", skip.to_string(), "up to 9223372036854775807 entries"));
            }
            // One more entry shows whether there is another page.
            let (mut entries, total) = this.0.tracker.history(&query, skip, limit + 1).await?;
            let is_last = entries.len() <= limit as usize;
            entries.truncate(limit as usize);
            let next = entries.last().filter(|_| !is_last).and_then(HistoryEntry::cursor);
            if let (0, Some(id)) = (total, &query.migration) {
                this.refuse_unknown(id).await?;
            }
            Ok(HistoryPage { entries, total, next })
        }))
    }
}

impl Migrator {
    /// Fails if an id is neither linked in nor recorded.
    async fn refuse_unknown(&self, id: &str) -> Result<(), Error> {
        let is_known = self.0.registry.all().iter().any(|migration| migration.id() == id)
            || self.0.tracker.records().await?.get(id).is_some()
            || self.0.tracker.history(&Query::of(id), 0, 1).await?.1 > 0;
        if is_known { Ok(()) } else { Err(unknown(id, &self.0.registry)) }
    }
}

impl fmt::Display for HistoryPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            let time = entry.executed_at.try_to_rfc3339_string().unwrap_or_default();
            write!(f, "{time}  {:<12} {}", entry.act.to_string(), entry.migration_id.as_deref().unwrap_or("-"))?;
            if let Some(status) = entry.status {
                write!(f, ": {} in {}", status.as_str(), Elapsed(entry.duration()))?;
            }
            if let Some(by) = &entry.by {
                write!(f, ", by {by}")?;
            }
            for text in [&entry.because, &entry.error].into_iter().flatten() {
                write!(f, ": {text}")?;
            }
            writeln!(f)?;
        }
        write!(f, "{} of {} entries.", self.entries.len(), self.total)
    }
}
