//! `pending` and `plan`

use clap::Args;
use mongrate::json;

use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;
use super::{style, table};

#[derive(Clone, Debug, Args)]
pub(super) struct Pending {}

impl Pending {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let status = session.migrator().await?.status().await?;
        let output = &session.output;
        if output.is_json() {
            output.json(&json::Pending::of(&status))?;
            return Ok(Exit::Done);
        }
        let mut rows = table::with(&["status", "migration", "summary"]);
        for standing in status.iter().filter(|standing| standing.state.is_pending()) {
            let word = style::state(standing.label(), standing.state).to_string();
            rows.add_row([word, standing.migration.id().to_owned(), standing.migration.summary()]);
        }
        if rows.is_empty() {
            output.print("Nothing is pending.")?;
        } else {
            output.print(table::text(rows, &[]))?;
        }
        Ok(Exit::Done)
    }
}

#[derive(Clone, Debug, Args)]
pub(super) struct Plan {
    /// Show only these migrations (qualified ids) and their dependencies
    #[arg(value_name = "ID")]
    pub(super) ids: Vec<String>,

    /// Show everything up to this migration in plan order
    #[arg(long, value_name = "ID", conflicts_with = "ids")]
    pub(super) to: Option<String>,
}

impl Plan {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let up = self.ids.iter().fold(session.migrator().await?.up(), mongrate::migrator::Up::only);
        let up = self.to.iter().fold(up, mongrate::migrator::Up::to);
        let plan = up.plan().await?;
        if session.output.is_json() {
            session.output.json(&json::Plan::of(&plan))?;
        } else {
            session.output.print(plan)?;
        }
        Ok(Exit::Done)
    }
}
