//! Everything about one migration.

use super::{HistoryPage, Migrator, Standing, Status};
use crate::error::Error;
use crate::migration::Migration;
use crate::record::Record;

/// The number of history entries to read.
const ENTRIES: u32 = 20;

/// Everything about one migration; returned by [`Migrator::show`].
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// let details = migrator.show("002_assign_roles").await?;
/// if details.is_pending() {
///     println!("{} is pending", details.id());
/// }
/// println!("{}", details.history());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Details {
    id: String,
    status: Status,
    dependents: Vec<Migration>,
    history: HistoryPage,
}

impl Migrator {
    /// Returns everything about the migration with this qualified id: its status, its dependents and its newest 20 history
    /// entries. Reads four times; never writes.
    ///
    /// The migration does not have to be linked in, but fails with [`Error::UnknownMigration`] if it is not recorded, either.
    pub async fn show(&self, id: &str) -> Result<Details, Error> {
        let status = self.status().await?;
        let history = self.history().migration(id).limit(ENTRIES).await?;
        let details = Details { id: id.to_owned(), status, dependents: self.dependents(id), history };
        if details.standing().is_none() && details.orphan().is_none() && details.history.entries.is_empty() {
            self.registry().find(id)?;
        }
        Ok(details)
    }

    fn dependents(&self, id: &str) -> Vec<Migration> {
        self.registry().iter().filter(|other| other.dependencies().contains(&id)).collect()
    }
}

impl Details {
    /// The qualified id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The migration with its status. `None` if it is not linked into this program or not selected.
    #[must_use]
    pub fn standing(&self) -> Option<Standing<'_>> {
        self.status.get(&self.id)
    }

    /// The record of a migration that is not linked into this program.
    #[must_use]
    pub fn orphan(&self) -> Option<&Record> {
        self.status.orphans().iter().find(|orphan| orphan.id == self.id)
    }

    /// Returns whether it is linked in and not applied.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.standing().is_some_and(|standing| standing.state.is_pending())
    }

    /// The selected migrations that directly depend on it, in the order of the registry.
    #[must_use]
    pub fn dependents(&self) -> &[Migration] {
        &self.dependents
    }

    /// The newest entries of its history.
    #[must_use]
    pub fn history(&self) -> &HistoryPage {
        &self.history
    }

    /// The status of every migration, read at the same time.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }
}
