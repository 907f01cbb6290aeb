//! Where every migration stands.

use std::fmt;

use super::Migrator;
use crate::Error;
use crate::elapsed::Elapsed;
use crate::graph::Graph;
use crate::lock::{Holder, Sighting};
use crate::migration::{Migration, State};
use crate::record::{Record, RecordStatus};
use crate::tracker::Records;

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
    orphans: Vec<Record>,
    holder: Option<Holder>,
    /// The token of that holder.
    token: Option<i64>,
}

impl Status {
    pub(super) fn new(graph: &Graph, records: &Records, sighting: Option<Sighting>) -> Self {
        let (holder, token) = match sighting {
            Some(Sighting { holder: Some(holder), token, .. }) => (Some(holder), Some(token)),
            _ => (None, None),
        };
        let orphans = records.orphans(|id| graph.find(id).is_some()).into_iter().cloned().collect();
        let migrations = graph.order().map(|migration| (migration, records.get(migration.id()).cloned())).collect();
        Self { migrations, orphans, holder, token }
    }

    /// What an `up` has still to do: never run, failed, rolled back or interrupted, in plan order. Manual ones are
    /// among them.
    pub fn pending(&self) -> impl Iterator<Item = Migration> {
        self.migrations
            .iter()
            .filter(|(_, record)| state(record.as_ref()).is_pending())
            .map(|(migration, _)| *migration)
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

    /// Where the migration with this qualified id stands; `None` when it is not linked in or not selected. One that the
    /// [`holder`](Self::holder) runs right now outside a transaction is [`State::Interrupted`] here.
    #[must_use]
    pub fn state(&self, id: &str) -> Option<State> {
        self.migrations.iter().find(|(migration, _)| migration.id() == id).map(|(_, record)| state(record.as_ref()))
    }

    pub(super) fn migrations(&self) -> &[(Migration, Option<Record>)] {
        &self.migrations
    }

    pub(super) fn is_running(&self, record: &Record) -> bool {
        let alive = self.holder.as_ref().is_some_and(|holder| !holder.expired);
        alive && record.status == RecordStatus::Running && Some(record.token) == self.token
    }

    fn in_state(&self, wanted: State) -> impl Iterator<Item = (Migration, &Record)> {
        self.migrations.iter().filter_map(move |(migration, record)| {
            record.as_ref().filter(|record| record.state() == wanted).map(|record| (*migration, record))
        })
    }
}

fn state(record: Option<&Record>) -> State {
    record.map_or(State::New, Record::state)
}

impl Migrator {
    pub(super) async fn read_status(self) -> Result<Status, Error> {
        let graph = self.graph()?;
        let (records, sighting) = self.read_state().await?;
        Ok(Status::new(&graph, &records, sighting))
    }

    pub(super) async fn read_state(&self) -> Result<(Records, Option<Sighting>), Error> {
        let records = self.0.tracker.records().await?;
        let sighting = self.0.lock.sighting().await?;
        Ok((records, sighting))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (migration, record) in &self.migrations {
            let word = match state(record.as_ref()) {
                _ if record.as_ref().is_some_and(|record| self.is_running(record)) => "running",
                State::New if migration.is_manual() => "manual",
                State::New => "pending",
                State::Completed => "completed",
                State::Failed => "failed",
                State::RolledBack => "rolled back",
                State::Interrupted => "interrupted",
                State::Partial => "half-way",
            };
            write!(f, "{word:<12} {}", migration.id())?;
            match record {
                Some(record) if record.drifted_from(*migration) => writeln!(f, " (changed since it ran)")?,
                Some(record) if record.state() == State::Completed && record.batch == 0 => writeln!(f, " (marked)")?,
                Some(record) if record.state() == State::Completed => {
                    writeln!(f, " in {}", Elapsed(record.duration()))?;
                }
                Some(Record { error: Some(error), .. }) => writeln!(f, ": {error}")?,
                _ => writeln!(f)?,
            }
        }
        for orphan in &self.orphans {
            writeln!(f, "{:<12} {} (not linked into this program)", "orphan", orphan.id)?;
        }
        if let Some(holder) = &self.holder {
            let verb = if holder.expired { "held" } else { "being migrated" };
            writeln!(f, "{verb} by {holder}")?;
        }
        write!(f, "{} completed, {} pending.", self.completed().count(), self.pending().count())
    }
}
