//! The status of every migration.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::Migrator;
use crate::display::Elapsed;
use crate::display::graph::Node;
use crate::error::Error;
use crate::lock::LeaseDocument;
use crate::migration::{Migration, State};
use crate::plan::Graph;
use crate::record::{Holder, Record, RecordStatus};
use crate::store::Records;

/// The status of every migration in a database; returned by [`Migrator::status`]. Its `Display` is for people.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// let status = migrator.status().await?;
/// for (migration, record) in status.failed() {
///     println!("{} failed: {}", migration.id(), record.error.as_deref().unwrap_or_default());
/// }
/// if let Some(holder) = status.holder() {
///     println!("{holder} is migrating");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Status {
    migrations: Vec<(Migration, Option<Record>)>,
    /// The index of each migration, by qualified id.
    indexes: HashMap<&'static str, usize>,
    /// The qualified ids of the isolated migrations.
    isolated: HashSet<&'static str>,
    /// The qualified ids of the migrations that their condition excludes.
    excluded: HashSet<&'static str>,
    orphans: Vec<Record>,
    holder: Option<Holder>,
    /// The token of the holder.
    token: Option<i64>,
}

/// The status of a migration, with its record.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Standing<'s> {
    /// The migration.
    pub migration: Migration,
    /// The record; `None` if the migration never ran.
    pub record: Option<&'s Record>,
    /// The state. A migration that is running outside a transaction is [`State::Interrupted`] here.
    pub state: State,
    /// Whether the [`holder`](Status::holder) is currently running it outside a transaction.
    pub is_running: bool,
    /// Whether it is pending and can run alone: it depends on no pending migration, and no pending migration depends on it,
    /// directly or indirectly.
    pub is_isolated: bool,
}

impl Migrator {
    /// Returns the status of every migration. Reads the records, then the lease; never writes, not even before the first
    /// [`up`](Self::up).
    pub async fn status(&self) -> Result<Status, Error> {
        self.clone().complete(async |this| this.read_status().await).await
    }
}

impl Standing<'_> {
    /// The status as a word: `pending`, `completed`, `failed`, `rolled back`, `interrupted`, `partial`, `running`, `underway`,
    /// `canceled`, `excluded`, or `manual` for a manual migration that never ran.
    #[must_use]
    pub fn label(&self) -> &'static str {
        if self.is_running { "running" } else { self.state.label(self.migration.is_manual()) }
    }

    /// Returns whether no `up` runs it unless it is named: it is pending, and a manual migration or a canceled backfill.
    #[must_use]
    pub fn runs_only_by_name(&self) -> bool {
        self.state.is_pending() && (self.migration.is_manual() || self.state == State::Canceled)
    }

    /// Returns whether it is applied and its code has changed since.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.record.is_some_and(|record| record.drifted_from(self.migration))
    }
}

impl From<Standing<'_>> for Node {
    fn from(standing: Standing<'_>) -> Self {
        Self::in_state(standing.migration, standing.state, standing.is_running)
    }
}

impl Status {
    pub(super) fn new(graph: &Graph, records: &Records, sighting: Option<LeaseDocument>) -> Self {
        let (holder, token) = match sighting {
            Some(LeaseDocument { holder: Some(holder), token, .. }) => (Some(holder), Some(token)),
            _ => (None, None),
        };
        let orphans = records.orphans(|id| graph.find(id).is_some()).into_iter().cloned().collect();
        let migrations: Vec<_> =
            graph.order().map(|migration| (migration, records.get(migration.id()).cloned())).collect();
        let indexes = migrations.iter().enumerate().map(|(index, (migration, _))| (migration.id(), index)).collect();
        let excluded = graph.order().map(|migration| migration.id()).filter(|id| records.state(id) == State::Excluded);
        let excluded = excluded.collect();
        let isolated = graph.isolated(|id| records.state(id).is_pending()).map(|migration| migration.id()).collect();
        Self { migrations, indexes, isolated, excluded, orphans, holder, token }
    }

    /// The status of each migration in plan order.
    pub fn iter(&self) -> impl Iterator<Item = Standing<'_>> {
        self.migrations.iter().map(|(migration, record)| self.standing(*migration, record.as_ref()))
    }

    /// Returns the status of the migration with this qualified id. `None` if it is not linked in or not selected.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Standing<'_>> {
        let (migration, record) = &self.migrations[*self.indexes.get(id)?];
        Some(self.standing(*migration, record.as_ref()))
    }

    fn standing<'s>(&self, migration: Migration, record: Option<&'s Record>) -> Standing<'s> {
        let is_running = record.is_some_and(|record| self.is_running(record));
        let is_isolated = self.isolated.contains(migration.id());
        let state = match record {
            _ if self.excluded.contains(migration.id()) => State::Excluded,
            Some(record) => record.state(),
            None => State::New,
        };
        Standing { migration, record, state, is_running, is_isolated }
    }

    /// The pending migrations in plan order: never run, failed, rolled back or interrupted. Includes manual ones.
    pub fn pending(&self) -> impl Iterator<Item = Migration> {
        self.iter().filter(|standing| standing.state.is_pending()).map(|standing| standing.migration)
    }

    /// The pending migrations that can run alone, in plan order: they depend on no pending migration, and no pending migration
    /// depends on them, directly or indirectly. Includes manual ones.
    pub fn isolated(&self) -> impl Iterator<Item = Migration> {
        self.iter().filter(|standing| standing.is_isolated).map(|standing| standing.migration)
    }

    /// The migrations that their condition excludes from this database, in plan order.
    pub fn excluded(&self) -> impl Iterator<Item = Migration> {
        self.iter().filter(|standing| standing.state == State::Excluded).map(|standing| standing.migration)
    }

    /// The applied migrations with their records, in plan order.
    pub fn completed(&self) -> impl Iterator<Item = (Migration, &Record)> {
        self.in_state(State::Completed)
    }

    /// The migrations whose last execution failed, with their records, in plan order. They are pending, too.
    pub fn failed(&self) -> impl Iterator<Item = (Migration, &Record)> {
        self.in_state(State::Failed)
    }

    /// The migrations that were interrupted outside a transaction, with their records, in plan order. They are pending, too.
    /// Excludes the migration that the [`holder`](Self::holder) is currently running.
    pub fn interrupted(&self) -> impl Iterator<Item = (Migration, &Record)> {
        self.in_state(State::Interrupted).filter(|(_, record)| !self.is_running(record))
    }

    /// The applied migrations whose code has changed since, with their records, in plan order.
    pub fn drifted(&self) -> impl Iterator<Item = (Migration, &Record)> {
        self.completed().filter(|(migration, record)| record.drifted_from(*migration))
    }

    /// The records of migrations that are not linked into this program.
    #[must_use]
    pub fn orphans(&self) -> &[Record] {
        &self.orphans
    }

    /// The holder of the lease: a process that is migrating, or a dead process whose lease has not been taken over
    /// ([`Holder::expired`]).
    #[must_use]
    pub fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// The token of the [`holder`](Self::holder), which identifies its run.
    #[must_use]
    pub fn token(&self) -> Option<i64> {
        self.token
    }

    /// Returns whether a process is currently migrating: the lease has a [`holder`](Self::holder) and has not expired.
    #[must_use]
    pub fn is_migrating(&self) -> bool {
        self.holder.as_ref().is_some_and(|holder| !holder.expired)
    }

    /// The [`Standing::state`] of the migration with this qualified id.
    #[must_use]
    pub fn state(&self, id: &str) -> Option<State> {
        self.get(id).map(|standing| standing.state)
    }

    pub(super) fn migrations(&self) -> &[(Migration, Option<Record>)] {
        &self.migrations
    }

    pub(super) fn is_running(&self, record: &Record) -> bool {
        self.is_migrating() && record.status == RecordStatus::Running && Some(record.token) == self.token
    }

    fn in_state(&self, wanted: State) -> impl Iterator<Item = (Migration, &Record)> {
        let standings = self.iter().filter(move |standing| standing.state == wanted);
        standings.filter_map(|standing| standing.record.map(|record| (standing.migration, record)))
    }
}

impl Migrator {
    pub(super) async fn read_status(self) -> Result<Status, Error> {
        let graph = self.graph()?;
        let (records, sighting) = self.read_state().await?;
        Ok(Status::new(&graph, &records, sighting))
    }

    pub(super) async fn read_state(&self) -> Result<(Records, Option<LeaseDocument>), Error> {
        let records = self.records().await?;
        let sighting = self.0.lock.lease_document().await?;
        Ok((records, sighting))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for standing in self.iter() {
            let Standing { migration, record, state, .. } = standing;
            write!(f, "{:<12} {}", standing.label(), migration.id())?;
            match record {
                Some(_) if standing.has_drifted() => writeln!(f, " (changed since it ran)")?,
                Some(record) if state == State::Completed && record.batch == 0 => writeln!(f, " (marked)")?,
                Some(record) if state == State::Completed => writeln!(f, " in {}", Elapsed(record.duration()))?,
                Some(Record { error: Some(error), .. }) => writeln!(f, ": {error}")?,
                None if state == State::Excluded => {
                    let condition = migration.condition().map(|condition| format!(" ({condition})"));
                    writeln!(f, "{}", condition.unwrap_or_default())?;
                }
                _ => writeln!(f)?,
            }
        }
        for orphan in &self.orphans {
            writeln!(f, "{:<12} {} (not linked into this program)", "orphan", orphan.id)?;
        }
        if let Some(holder) = &self.holder {
            let action = if holder.expired { "held" } else { "being migrated" };
            writeln!(f, "{action} by {holder}")?;
        }
        write!(f, "{} completed, {} pending.", self.completed().count(), self.pending().count())
    }
}
