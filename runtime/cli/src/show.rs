//! `show`

use std::iter;

use clap::Args;
use mongrate::json;
use mongrate::migration::{Kind, Migration};
use mongrate::migrator::{BackfillStatus, Standing};
use mongrate::record::Record;

use super::exit::Exit;
use super::failure::{Failure, or_on_record};
use super::ink::{BOLD, DIM, MAGENTA, RED};
use super::invocation::migrate;
use super::session::Session;
use super::{backfill, history, style};

#[derive(Clone, Debug, Args)]
pub(super) struct Show {
    /// Qualified id of the migration
    pub(super) id: String,
}

impl Show {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let (output, migrator) = (&session.output, session.migrator().await?);
        let details = migrator.show(&self.id).await.map_err(or_on_record)?;
        if output.is_json() {
            output.json(&json::Shown::of(&details))?;
            return Ok(Exit::Done);
        }
        let (standing, orphan, history) = (details.standing(), details.orphan(), details.history());
        let dependents: Vec<_> = details.dependents().iter().map(Migration::id).collect();
        output.print(BOLD.paint(&self.id))?;
        match standing {
            Some(standing) => {
                let backfills = backfill::underway(migrator, iter::once(standing)).await?;
                print(session, standing, backfills.get(&self.id), &dependents)?;
            }
            None => unlinked(session, &self.id, orphan)?,
        }
        if history.entries.is_empty() {
            let record = standing.and_then(|standing| standing.record).or(orphan);
            output.print(if record.is_none() { "\nIt has not run here." } else { "\nIt has no history." })?;
        } else {
            output.print(format_args!("\n{}", history::entries(&history.entries)))?;
        }
        Ok(Exit::Done)
    }
}

/// Prints what is known about a migration that is not linked into this program.
fn unlinked(session: &Session, id: &str, orphan: Option<&Record>) -> Result<(), Failure> {
    let Some(record) = orphan else {
        return session
            .output
            .print("This migration is neither linked into this program nor on record; this is its history.");
    };
    let mut lines = vec![
        ("status", format!("{}, not linked into this program", MAGENTA.paint("orphan"))),
        ("source", record.source.clone()),
        ("checksum", record.checksum.clone()),
        ("applied", format!("{} UTC", style::moment(record.executed_at))),
    ];
    lines.extend(record.applied_by.clone().map(|by| ("by", by)));
    if !record.description.is_empty() {
        session.output.print(format_args!("{}\n", record.description.trim()))?;
    }
    write(session, lines)?;
    session
        .output
        .remark(format_args!("`{} prune {id}` removes its record if the migration is permanently gone.", migrate()));
    Ok(())
}

fn print(
    session: &Session,
    standing: Standing<'_>,
    backfill: Option<&BackfillStatus>,
    dependents: &[&str],
) -> Result<(), Failure> {
    let migration = standing.migration;
    let (file, line) = migration.location();
    let mut lines = vec![("status", style::state(standing.label(), standing.state).to_string())];
    if let Some(backfill) = backfill {
        lines.push(("progress", backfill::progress(backfill)));
        lines.push(("workers", backfill::workers(backfill)));
        lines.extend(backfill::throttled(backfill).map(|throttled| ("throttled", throttled)));
        lines.extend(backfill.speed().map(|speed| ("speed", speed)));
        lines.extend(backfill::steering(backfill).map(|steering| ("set", steering)));
    }
    lines.extend([
        ("source", migration.source().to_string()),
        ("runs", runs(migration.kind()).to_owned()),
        ("code", format!("{file}:{line}")),
        ("checksum", migration.checksum().to_owned()),
    ]);
    if let Some(record) = standing.record.filter(|_| standing.has_drifted()) {
        lines.push(("on record", RED.paint(format_args!("{} (changed since it ran)", record.checksum)).to_string()));
    }
    lines.push(("depends on", list(migration.dependencies())));
    lines.push(("needed by", list(dependents)));
    lines.push(("down", down(migration)));
    if migration.is_manual() {
        lines.push(("manual", "runs only if it is named".to_owned()));
    }
    if let Some(condition) = migration.condition() {
        lines.push(("condition", condition.to_string()));
    }
    if let Some(limit) = migration.timeout() {
        lines.push(("timeout", mongrate::display::Elapsed(limit).to_string()));
    }
    if migration.has_verify() {
        lines.push(("verify", "yes".to_owned()));
    }
    if !migration.relies_on().is_empty() {
        lines.push(("relies on", list(migration.relies_on())));
    }
    let needs: Vec<_> = migration.needs().collect();
    if !needs.is_empty() {
        lines.push(("needs", list(&needs)));
    }
    if let Some(error) = standing.record.and_then(|record| record.error.as_deref()) {
        lines.push(("error", RED.paint(error).to_string()));
    }
    if !migration.description().is_empty() {
        session.output.print(format_args!("{}\n", migration.description().trim()))?;
    }
    write(session, lines)
}

fn write(session: &Session, lines: Vec<(&str, String)>) -> Result<(), Failure> {
    for (name, value) in lines {
        session.output.print(format_args!("{} {value}", DIM.paint(format_args!("{name:<11}"))))?;
    }
    Ok(())
}

fn list(ids: &[&str]) -> String {
    if ids.is_empty() { "-".to_owned() } else { ids.join(", ") }
}

fn runs(kind: Kind) -> &'static str {
    match kind {
        Kind::Tx => "in one transaction together with its record (`&mut Tx`)",
        Kind::Schema => "outside transactions, with repeatable operations (`&mut Schema`)",
        Kind::Backfill => "in batches, each document once (`&mut Backfill`)",
        Kind::Database => "outside transactions (`&Database`)",
        _ => "-",
    }
}

fn down(migration: Migration) -> String {
    match migration.irreversible_reason() {
        Some(reason) => format!("no: {reason}"),
        None if migration.is_reversible() => "yes".to_owned(),
        None => "no".to_owned(),
    }
}
