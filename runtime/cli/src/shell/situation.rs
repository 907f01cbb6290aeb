//! Where a database stands, as far as it decides what can be done.

use std::fmt;

use crate::failure::Failure;
use crate::session::Session;
use mongrate::Error;
use mongrate::migration::{Migration, State};
use mongrate::migrator::Standing;
use mongrate::plan::Plan;
use mongrate::record::Holder;

/// A migration (qualified id) with its summary.
pub(super) type Listed = (&'static str, String);

/// Where everything stands. Its `Display` is a line for people.
#[derive(Debug, Default)]
pub(super) struct Situation {
    /// The database, and the environment if it has a name.
    pub(super) place: String,
    pub(super) all: Vec<Listed>,
    /// What can be applied by naming it, manual ones too.
    pub(super) pending: Vec<Listed>,
    /// How many of them are manual.
    pub(super) manual: usize,
    /// How many an `up` would apply now.
    pub(super) runnable: usize,
    /// How many have failed the last time.
    pub(super) failed: usize,
    /// What a `down` would revert.
    pub(super) last: Option<&'static str>,
    /// How many a `down --batch` would revert.
    pub(super) batch: usize,
    pub(super) holder: Option<Holder>,
}

impl Situation {
    /// Reads it.
    pub(super) async fn read(session: &Session) -> Result<Self, Failure> {
        let migrator = session.migrator().await?;
        let status = migrator.status().await?;
        let up = match migrator.plan().await {
            Ok(plan) => plan,
            // Something is in the way: nothing can be applied until somebody has seen to it.
            Err(error) => {
                session.output.warning(Failure::from(error).message);
                Plan::default()
            }
        };
        let last = unless_irreversible(migrator.down().plan().await)?;
        let batch = unless_irreversible(migrator.down().batch().plan().await)?;
        let name = migrator.database().name();
        Ok(Self {
            place: migrator
                .environment()
                .map_or_else(|| name.to_owned(), |environment| format!("{name} ({environment})")),
            all: status.iter().map(listed).collect(),
            pending: status.iter().filter(|standing| standing.state.is_pending()).map(listed).collect(),
            manual: status.pending().filter(Migration::is_manual).count(),
            runnable: up.len(),
            failed: status.iter().filter(|standing| standing.state == State::Failed).count(),
            last: last.iter().next().map(|step| step.migration().id()),
            batch: batch.len(),
            holder: status.holder().cloned(),
        })
    }
}

fn listed(standing: Standing<'_>) -> Listed {
    (standing.migration.id(), standing.migration.summary())
}

/// What cannot be reverted is not offered.
fn unless_irreversible(plan: Result<Plan, Error>) -> Result<Plan, Error> {
    match plan {
        Err(
            Error::Irreversible { .. }
            | Error::DependentsApplied { .. }
            | Error::OrphansAppliedLater { .. }
            | Error::Drift { .. }
            | Error::Several { .. },
        ) => Ok(Plan::default()),
        other => other,
    }
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (completed, pending) = (self.all.len() - self.pending.len(), self.pending.len() - self.manual);
        write!(f, "{}: {completed} completed, {pending} pending", self.place)?;
        if self.failed > 0 {
            write!(f, " ({} failed)", self.failed)?;
        }
        if self.manual > 0 {
            write!(f, ", {} manual", self.manual)?;
        }
        f.write_str(".")?;
        match &self.holder {
            Some(holder) if holder.expired => write!(f, " The lock is held by {holder}."),
            Some(holder) => write!(f, " Being migrated by {holder}."),
            None => Ok(()),
        }
    }
}
