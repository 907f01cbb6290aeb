//! `up` and `run`

use clap::Args;
use mongrate::migrator::Migrator;
use mongrate::options::Limit;

use super::exit::Exit;
use super::failure::Failure;
use super::options::{Reasoned, limit};
use super::session::Session;
use super::{outcome, progress};

#[derive(Clone, Debug, Args)]
pub(super) struct Up {
    /// Apply only these migrations (qualified ids) and their dependencies, even manual ones
    #[arg(value_name = "ID")]
    pub(super) ids: Vec<String>,

    /// Apply everything up to this migration in plan order
    #[arg(long, value_name = "ID", conflicts_with = "ids")]
    pub(super) to: Option<String>,

    /// Continue the named backfills although their code has changed since they started
    #[arg(long, requires = "ids", conflicts_with = "dry_run")]
    with_changed_code: bool,

    #[command(flatten)]
    how: How,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Run {
    /// Qualified id of the migration
    pub(super) id: String,

    #[command(flatten)]
    how: How,
}

/// Options of commands that apply migrations.
#[derive(Clone, Debug, Args)]
struct How {
    /// Show what would happen, without changing anything
    #[arg(long)]
    dry_run: bool,

    /// Start backfills that are not blocking, and return without working on them
    #[arg(long, conflicts_with = "dry_run")]
    background: bool,

    /// After a failure, continue with migrations that do not depend on it
    #[arg(long)]
    continue_on_error: bool,

    /// Time limit of the whole run, like 90s or 10m; `none` for no limit
    #[arg(long, value_name = "TIME", value_parser = limit)]
    timeout: Option<Limit>,

    #[command(flatten)]
    reasoned: Reasoned,
}

impl Up {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator_for(&self.how.reasoned.writing).await?;
        let up = self.ids.iter().fold(migrator.up(), mongrate::migrator::Up::only);
        let up = self.to.iter().fold(up, mongrate::migrator::Up::to).with_changed_code(self.with_changed_code);
        if !(session.environment()?.auto || self.how.dry_run) {
            return outcome::print(session, &up.check().await?);
        }
        self.how.run(session, migrator, up).await
    }
}

impl Run {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator_for(&self.how.reasoned.writing).await?;
        let up = migrator.up().only(self.id);
        self.how.run(session, migrator, up).await
    }
}

impl How {
    async fn run(self, session: &Session, migrator: &Migrator, up: mongrate::migrator::Up) -> Result<Exit, Failure> {
        let environment = session.environment()?;
        let mut up = up.dry_run(self.dry_run).background(self.background);
        up = up.continue_on_error(self.continue_on_error || !environment.stop_on_error);
        if let Some(limit) = self.timeout {
            up = up.timeout(limit);
        }
        if let Some(name) = self.reasoned.writing.by() {
            up = up.by(name);
        }
        if let Some(reason) = self.reasoned.because {
            up = up.because(reason);
        }
        let report = if self.dry_run {
            progress::run_dry(session, up).await?
        } else {
            progress::run(session, migrator, up).await?
        };
        outcome::print(session, &report)
    }
}
