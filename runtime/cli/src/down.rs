//! `down`

use clap::Args;
use clap::builder::RangedU64ValueParser;
use mongrate::display::plural;
use mongrate::options::Limit;

use super::confirm::confirm;
use super::exit::Exit;
use super::failure::Failure;
use super::options::{Reasoned, limit};
use super::session::Session;
use super::{outcome, progress};

#[derive(Clone, Debug, Args)]
pub(super) struct Down {
    /// Revert only these migrations (qualified ids)
    #[arg(value_name = "ID")]
    pub(super) ids: Vec<String>,

    /// Revert the last N applied migrations
    #[arg(long, value_name = "N", conflicts_with = "ids", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    steps: Option<usize>,

    /// Revert everything that the last `up` applied
    #[arg(long, conflicts_with_all = ["ids", "steps"])]
    batch: bool,

    /// Revert everything that was applied after this migration
    #[arg(long, value_name = "ID", conflicts_with_all = ["ids", "steps", "batch"])]
    pub(super) to: Option<String>,

    /// Revert their dependents as well
    #[arg(long)]
    with_dependents: bool,

    /// Show what would happen, without changing anything
    #[arg(long)]
    dry_run: bool,

    /// Time limit of the whole run, like 90s or 10m; `none` for no limit
    #[arg(long, value_name = "TIME", value_parser = limit)]
    timeout: Option<Limit>,

    #[command(flatten)]
    reasoned: Reasoned,
}

impl Down {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator_for(&self.reasoned.writing).await?;
        let mut down = self.ids.iter().fold(migrator.down(), mongrate::migrator::Down::only);
        if let Some(count) = self.steps {
            down = down.steps(count);
        }
        if self.batch {
            down = down.batch();
        }
        if let Some(id) = &self.to {
            down = down.to(id);
        }
        down = down.with_dependents(self.with_dependents);
        if !self.dry_run {
            let plan = down.clone().plan().await?;
            let question = format!("Revert {}?", plural(plan.len() as u64, "migration"));
            if !plan.is_empty() && !confirm(session, migrator, Some(&plan), &question).await? {
                return outcome::declined(session);
            }
            down = down.limited_to(&plan);
        }
        down = down.dry_run(self.dry_run);
        if let Some(limit) = self.timeout {
            down = down.timeout(limit);
        }
        if let Some(name) = self.reasoned.writing.by() {
            down = down.by(name);
        }
        if let Some(reason) = self.reasoned.because {
            down = down.because(reason);
        }
        let report = if self.dry_run {
            progress::run_dry(session, down).await?
        } else {
            progress::run(session, migrator, down).await?
        };
        outcome::print(session, &report)
    }
}
