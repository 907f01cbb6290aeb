//! `version`

use clap::Args;
use mongrate::json;

use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;
use super::table;

#[derive(Clone, Debug, Args)]
pub(super) struct Version {}

impl Version {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let status = session.migrator().await?.status().await?;
        let versions = json::Versions::of(&status);
        if session.output.is_json() {
            session.output.json(&versions)?;
            return Ok(Exit::Done);
        }
        let mut rows = table::with(&["source", "current", "latest", "pending", "manual"]);
        for version in &versions.sources {
            let [current, latest] = [version.current, version.latest].map(|id| id.unwrap_or("-").to_owned());
            rows.add_row([
                version.source.clone(),
                current,
                latest,
                version.pending.to_string(),
                version.manual.to_string(),
            ]);
        }
        session.output.print(table::text(rows, &[]))?;
        Ok(Exit::Done)
    }
}
