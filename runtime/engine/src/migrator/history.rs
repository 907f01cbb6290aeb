//! What has been done to this database.

use std::fmt;
use std::future::IntoFuture;

use mongodb::BoxFuture;

use super::Migrator;
use crate::display::Elapsed;
use crate::error::Error;
use crate::options::invalid;
use crate::plan::unknown;
use crate::record::{HistoryEntry, RecordStatus};
use crate::store::{Query, Statistics};

/// A look at the history: say which entries, then await it. Reads only; two commands.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// use mongrate::record::RecordStatus;
///
/// let page = migrator.history().status(RecordStatus::Failed).limit(20).await?;
/// println!("{} failures in all, the last of them:\n{page}", page.total);
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

/// Some entries of the history, the newest first.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HistoryPage {
    /// The entries.
    pub entries: Vec<HistoryEntry>,
    /// How many there are in all that match.
    pub total: u64,
}

impl History {
    /// The longest page.
    pub const MAX_LIMIT: u32 = 500;
}

impl Migrator {
    /// Every execution and every manual act, the newest first. No writes.
    pub fn history(&self) -> History {
        History { migrator: self.clone(), query: Query::default(), skip: 0, limit: 100 }
    }

    /// How the executions of each migration have gone, by qualified id: how many, how many failed, how long they took.
    /// One read, no writes.
    pub async fn statistics(&self) -> Result<Vec<Statistics>, Error> {
        self.clone().whole(async |this| this.0.tracker.statistics().await).await
    }
}

impl History {
    /// Only what ended with, or left, this status.
    pub fn status(mut self, status: RecordStatus) -> Self {
        self.query.status = Some(status);
        self
    }

    /// Only the migrations of one source: `system`, `module:<name>` or `plugin:<name>`.
    pub fn source(mut self, name: impl Into<String>) -> Self {
        self.query.source = Some(name.into());
        self
    }

    /// Only the migration with this qualified id, linked in or not. One that is not on record, either, is
    /// [`Error::UnknownMigration`].
    pub fn migration(mut self, id: impl Into<String>) -> Self {
        self.query.migration = Some(id.into());
        self
    }

    /// The longest that the page may be: 1 to 500, or else [`Error::PageSize`]. Default: 100.
    pub fn limit(mut self, entries: u32) -> Self {
        self.limit = entries;
        self
    }

    /// How many of the newest ones to leave out; `i64::MAX` at most.
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
        Box::pin(migrator.whole(async move |this| {
            if !(1..=Self::MAX_LIMIT).contains(&limit) {
                return Err(Error::PageSize { limit });
            }
            if i64::try_from(skip).is_err() {
                return Err(invalid("skip", skip.to_string(), "up to 9223372036854775807 entries"));
            }
            let (entries, total) = this.0.tracker.history(&query, skip, limit).await?;
            if let (0, Some(id)) = (total, &query.migration) {
                this.refuse_unknown(id).await?;
            }
            Ok(HistoryPage { entries, total })
        }))
    }
}

impl Migrator {
    /// Refuses an id that is neither linked in nor on record.
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
            let when = entry.executed_at.try_to_rfc3339_string().unwrap_or_default();
            write!(f, "{when}  {:<12} {}", entry.act.to_string(), entry.migration_id.as_deref().unwrap_or("-"))?;
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
