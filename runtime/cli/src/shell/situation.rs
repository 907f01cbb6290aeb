//! The state of a database, as far as the menu depends on it.

use std::fmt;

use mongrate::Error;
use mongrate::migration::State;
use mongrate::migrator::Standing;
use mongrate::plan::Plan;
use mongrate::record::Holder;

use crate::failure::Failure;
use crate::session::Session;

/// A migration (qualified id) with its summary.
pub(super) type Listed = (&'static str, String);

/// The state of the database. `Display` is one line for people.
#[derive(Debug, Default)]
pub(super) struct Situation {
    /// The database, and the environment if it has a name.
    pub(super) database: String,
    pub(super) all: Vec<Listed>,
    /// Migrations that can be applied by naming them, including manual ones.
    pub(super) pending: Vec<Listed>,
    /// Number of manual migrations among them.
    pub(super) manual: usize,
    /// Number of migrations that `up` would apply now.
    pub(super) runnable: usize,
    /// Number of failed migrations.
    pub(super) failed: usize,
    /// The migration that `down` would revert.
    pub(super) last: Option<&'static str>,
    /// Number of migrations that `down --batch` would revert.
    pub(super) batch: usize,
    pub(super) holder: Option<Holder>,
}

impl Situation {
    /// Reads the state.
    pub(super) async fn read(session: &Session) -> Result<Self, Failure> {
        let migrator = session.migrator().await?;
        let status = migrator.status().await?;
        let up = match migrator.plan().await {
            Ok(plan) => plan,
            // Nothing can be applied until the error is fixed.
            Err(error) => {
                session.output.warning(Failure::from(error).message);
                Plan::default()
            }
        };
        let last = unless_irreversible(migrator.down().plan().await)?;
        let batch = unless_irreversible(migrator.down().batch().plan().await)?;
        let name = migrator.database().name();
        Ok(Self {
            database: migrator
                .environment()
                .map_or_else(|| name.to_owned(), |environment| format!("{name} ({environment})")),
            all: status.iter().map(listed).collect(),
            pending: status.iter().filter(|standing| standing.state.is_pending()).map(listed).collect(),
            manual: status.iter().filter(Standing::runs_only_by_name).count(),
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

/// Offers nothing that cannot be reverted.
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
        write!(f, "{}: {completed} completed, {pending} pending", self.database)?;
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
