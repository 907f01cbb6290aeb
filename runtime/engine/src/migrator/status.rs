//! Where every migration stands.

use std::collections::HashMap;
use std::fmt;

use super::Migrator;
use crate::display::Elapsed;
use crate::error::Error;
use crate::lock::LeaseDocument;
use crate::migration::{Migration, State};
use crate::plan::Graph;
use crate::record::{Holder, Record, RecordStatus};
use crate::store::Records;

/// Where every migration stands in one database: the records first, then the lease, in two reads. Its `Display` is for
/// people.
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
    /// The place of each of them, by qualified id.
    places: HashMap<&'static str, usize>,
    orphans: Vec<Record>,
    holder: Option<Holder>,
    /// The token of that holder.
    token: Option<i64>,
}

/// Where one migration stands, with its record.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Standing<'s> {
    /// The migration.
    pub migration: Migration,
    /// Its record, if it has one.
    pub record: Option<&'s Record>,
    /// Where it stands. One that is running outside a transaction is [`State::Interrupted`] here.
    pub state: State,
    /// Whether the [`holder`](Status::holder) is running it right now outside a transaction.
    pub is_running: bool,
}

impl Migrator {
    /// Where every migration stands. Two reads, no writes: it works before the first [`up`](Self::up), too.
    pub async fn status(&self) -> Result<Status, Error> {
        self.clone().whole(async |this| this.read_status().await).await
    }
}

impl Standing<'_> {
    /// Where it stands, in a word: `pending`, `completed`, `failed`, `rolled back`, `interrupted`, `half-way`, `running`, or
    /// `manual` for one that has never run and waits to be named.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.is_running { "running" } else { self.state.word(self.migration.is_manual()) }
    }

    /// Whether it is applied but has changed in the code since.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.record.is_some_and(|record| record.drifted_from(self.migration))
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
        let places = migrations.iter().enumerate().map(|(place, (migration, _))| (migration.id(), place)).collect();
        Self { migrations, places, orphans, holder, token }
    }

    /// Every migration in plan order, with where it stands.
    pub fn iter(&self) -> impl Iterator<Item = Standing<'_>> {
        self.migrations.iter().map(|(migration, record)| self.standing(*migration, record.as_ref()))
    }

    /// Where the migration with this qualified id stands; `None` when it is not linked in or not selected.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Standing<'_>> {
        let (migration, record) = &self.migrations[*self.places.get(id)?];
        Some(self.standing(*migration, record.as_ref()))
    }

    fn standing<'s>(&self, migration: Migration, record: Option<&'s Record>) -> Standing<'s> {
        let is_running = record.is_some_and(|record| self.is_running(record));
        Standing { migration, record, state: record.map_or(State::New, Record::state), is_running }
    }

    /// What an `up` has still to do: never run, failed, rolled back or interrupted, in plan order. Manual ones are
    /// among them.
    pub fn pending(&self) -> impl Iterator<Item = Migration> {
        self.iter().filter(|standing| standing.state.is_pending()).map(|standing| standing.migration)
    }

    /// What is applied, with its record, in plan order.
    pub fn completed(&self) -> impl Iterator<Item = (Migration, &Record)> {
        self.in_state(State::Completed)
    }

    /// What failed the last time, with its record, in plan order. These are pending too.
    pub fn failed(&self) -> impl Iterator<Item = (Migration, &Record)> {
        self.in_state(State::Failed)
    }

    /// What was started outside a transaction and never ended, with its record, in plan order. These are pending too.
    /// What the [`holder`](Self::holder) is running right now is not among them.
    pub fn interrupted(&self) -> impl Iterator<Item = (Migration, &Record)> {
        self.in_state(State::Interrupted).filter(|(_, record)| !self.is_running(record))
    }

    /// What is applied but has changed in the code since, with its record, in plan order.
    pub fn drifted(&self) -> impl Iterator<Item = (Migration, &Record)> {
        self.completed().filter(|(migration, record)| record.drifted_from(*migration))
    }

    /// Records of migrations that are not linked into this program.
    #[must_use]
    pub fn orphans(&self) -> &[Record] {
        &self.orphans
    }

    /// Who holds the lease: a process that is migrating right now, or one that died and whose lease
    /// nobody has taken over ([`Holder::expired`]).
    #[must_use]
    pub fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// [`Standing::state`] of the migration with this qualified id.
    #[must_use]
    pub fn state(&self, id: &str) -> Option<State> {
        self.get(id).map(|standing| standing.state)
    }

    pub(super) fn migrations(&self) -> &[(Migration, Option<Record>)] {
        &self.migrations
    }

    pub(super) fn is_running(&self, record: &Record) -> bool {
        let alive = self.holder.as_ref().is_some_and(|holder| !holder.expired);
        alive && record.status == RecordStatus::Running && Some(record.token) == self.token
    }

    fn in_state(&self, wanted: State) -> impl Iterator<Item = (Migration, &Record)> {
        let there = self.iter().filter(move |standing| standing.state == wanted);
        there.filter_map(|standing| standing.record.map(|record| (standing.migration, record)))
    }
}

impl Migrator {
    pub(super) async fn read_status(self) -> Result<Status, Error> {
        let graph = self.graph()?;
        let (records, sighting) = self.read_state().await?;
        Ok(Status::new(&graph, &records, sighting))
    }

    pub(super) async fn read_state(&self) -> Result<(Records, Option<LeaseDocument>), Error> {
        let records = self.0.tracker.records().await?;
        let sighting = self.0.lock.lease_document().await?;
        Ok((records, sighting))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for standing in self.iter() {
            let Standing { migration, record, state, .. } = standing;
            write!(f, "{:<12} {}", standing.word(), migration.id())?;
            match record {
                Some(_) if standing.has_drifted() => writeln!(f, " (changed since it ran)")?,
                Some(record) if state == State::Completed && record.batch == 0 => writeln!(f, " (marked)")?,
                Some(record) if state == State::Completed => writeln!(f, " in {}", Elapsed(record.duration()))?,
                Some(Record { error: Some(error), .. }) => writeln!(f, ": {error}")?,
                _ => writeln!(f)?,
            }
        }
        for orphan in &self.orphans {
            writeln!(f, "{:<12} {} (not linked into this program)", "orphan", orphan.id)?;
        }
        if let Some(holder) = &self.holder {
            let direction = if holder.expired { "held" } else { "being migrated" };
            writeln!(f, "{direction} by {holder}")?;
        }
        write!(f, "{} completed, {} pending.", self.completed().count(), self.pending().count())
    }
}
