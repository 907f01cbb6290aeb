//! `show`

use clap::Args;
use console::style;
use serde::Serialize;

use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;
use super::{history, words};
use crate::{HistoryPage, Kind, Migration, Standing, wire};

#[derive(Clone, Debug, Args)]
pub(super) struct Show {
    /// The migration (qualified id)
    id: String,
}

/// All that is known about one migration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(flatten)]
    standing: wire::Standing<'a>,
    /// Qualified ids of what depends on it directly.
    dependants: Vec<&'static str>,
    executions: wire::History<'a>,
}

impl Show {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator().await?;
        let status = migrator.status().await?;
        let executions = migrator.history().migration(&self.id).limit(20).await?;
        let Some(standing) = status.get(&self.id) else {
            return unlinked(session, &self.id, &executions).await;
        };
        let dependants = dependants(migrator.registry().iter(), standing.migration);
        if session.output.is_json() {
            let executions = wire::History::of(&executions);
            session.output.json(&Shown { standing: standing.into(), dependants, executions })?;
        } else {
            print(session, standing, &dependants, &executions)?;
        }
        Ok(Exit::Done)
    }
}

fn dependants(all: impl Iterator<Item = Migration>, migration: Migration) -> Vec<&'static str> {
    all.filter(|other| other.dependencies().contains(&migration.id())).map(|other| other.id()).collect()
}

/// What is left of one that is not linked into this program.
async fn unlinked(session: &Session, id: &str, executions: &HistoryPage) -> Result<Exit, Failure> {
    if executions.entries.is_empty() {
        // The library's own words, with what was probably meant.
        session.migrator().await?.require(id).await?;
    }
    if session.output.is_json() {
        session.output.json(&wire::History::of(executions))?;
    } else {
        session.output.print(format_args!("{id} is not linked into this program.\n"))?;
        session.output.print(history::entries(&executions.entries))?;
    }
    Ok(Exit::Done)
}

fn print(
    session: &Session,
    standing: Standing<'_>,
    dependants: &[&str],
    executions: &HistoryPage,
) -> Result<(), Failure> {
    let migration = standing.migration;
    let (file, line) = migration.location();
    let mut lines = vec![
        ("status", words::state(standing.word(), standing.state).to_string()),
        ("source", migration.source().to_string()),
        ("argument", argument(migration.kind()).to_owned()),
        ("code", format!("{file}:{line}")),
        ("checksum", migration.checksum().to_owned()),
    ];
    if let Some(record) = standing.record.filter(|_| standing.has_drifted()) {
        lines.push(("on record", style(format!("{} (changed since it ran)", record.checksum)).red().to_string()));
    }
    lines.push(("depends on", list(migration.dependencies())));
    lines.push(("needed by", list(dependants)));
    lines.push(("down", down(migration)));
    if migration.is_manual() {
        lines.push(("manual", "runs only when it is named".to_owned()));
    }
    if let Some(limit) = migration.timeout() {
        lines.push(("timeout", crate::elapsed::Elapsed(limit).to_string()));
    }
    if migration.has_verify() {
        lines.push(("verify", "yes".to_owned()));
    }
    if !migration.covers().is_empty() {
        lines.push(("covers", list(migration.covers())));
    }
    if let Some(error) = standing.record.and_then(|record| record.error.as_deref()) {
        lines.push(("error", style(error).red().to_string()));
    }
    let output = &session.output;
    output.print(style(migration.id()).bold())?;
    if !migration.description().is_empty() {
        output.print(format_args!("{}\n", migration.description().trim()))?;
    }
    for (name, value) in lines {
        output.print(format_args!("{} {value}", style(format!("{name:<11}")).dim()))?;
    }
    if executions.entries.is_empty() {
        return output.print("\nIt has not run here.");
    }
    output.print(format_args!("\n{}", history::entries(&executions.entries)))
}

fn list(ids: &[&str]) -> String {
    if ids.is_empty() { "-".to_owned() } else { ids.join(", ") }
}

fn argument(kind: Kind) -> &'static str {
    match kind {
        Kind::Tx => "&mut Tx: in one transaction with its record",
        Kind::Schema => "&mut Schema: outside transactions, idempotent",
        Kind::Database => "&Database: outside transactions",
    }
}

fn down(migration: Migration) -> String {
    match migration.irreversible_reason() {
        Some(reason) => format!("no: {reason}"),
        None if migration.is_reversible() => "yes".to_owned(),
        None => "no".to_owned(),
    }
}
