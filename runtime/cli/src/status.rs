//! `status`

use std::collections::BTreeMap;

use clap::Args;
use mongrate::display::{Elapsed, plural};
use mongrate::json;
use mongrate::migration::State;
use mongrate::migrator::{BackfillStatus, Standing};

use super::exit::Exit;
use super::failure::Failure;
use super::ink::{MAGENTA, RED};
use super::invocation::migrate;
use super::session::Session;
use super::{backfill, style, table};

#[derive(Clone, Debug, Args)]
pub(super) struct Status {
    /// Exit with code 5 if `up` would apply anything, or with 6 if only backfills are underway
    #[arg(long)]
    check: bool,
}

impl Status {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator().await?;
        let status = migrator.status().await?;
        let document = json::Status::of(&status);
        if !session.output.is_json() {
            let backfills = backfill::underway(migrator, status.iter()).await?;
            show(session, &status, &backfills)?;
        }
        // Manual migrations, and those that wait for one, may stay pending.
        let is_behind = self.check
            && match migrator.up().plan().await {
                Ok(plan) => !plan.is_empty(),
                Err(error) => return Err(Failure::from(error).with(&document)),
            };
        if session.output.is_json() {
            session.output.json(&document)?;
        }
        Ok(match (self.check, is_behind) {
            (true, true) => Exit::Pending,
            (true, false) if status.iter().any(is_underway) => Exit::Underway,
            _ => Exit::Done,
        })
    }
}

fn is_underway(standing: Standing<'_>) -> bool {
    standing.state == State::Underway
}

fn show(
    session: &Session,
    status: &mongrate::migrator::Status,
    backfills: &BTreeMap<String, BackfillStatus>,
) -> Result<(), Failure> {
    let verbose = session.output.verbose > 0;
    let mut rows = table::with(&["status", "migration", "applied (UTC)", "took", "by", "remarks"]);
    for standing in status.iter() {
        let applied = standing.record.filter(|_| standing.state == State::Completed);
        rows.add_row([
            style::state(standing.label(), standing.state).to_string(),
            standing.migration.id().to_owned(),
            applied.map(|record| style::moment(record.executed_at)).unwrap_or_default(),
            applied
                .filter(|record| record.batch > 0)
                .map(|record| Elapsed(record.duration()).to_string())
                .unwrap_or_default(),
            applied.and_then(|record| record.applied_by.clone()).unwrap_or_default(),
            remarks(&standing, backfills.get(standing.migration.id()), verbose),
        ]);
    }
    for orphan in status.orphans() {
        let orphan_is = "not linked into this program".to_owned();
        let applied = style::moment(orphan.executed_at);
        let by = orphan.applied_by.clone().unwrap_or_default();
        rows.add_row([MAGENTA.paint("orphan").to_string(), orphan.id.clone(), applied, String::new(), by, orphan_is]);
    }
    if !rows.is_empty() {
        session.output.print(format_args!("{}\n", table::text(rows, &["took", "by", "applied (UTC)"])))?;
    }
    if let Some(holder) = status.holder() {
        let verb = if holder.expired { "The lock is held" } else { "Being migrated" };
        session.output.print(format_args!("{verb} by {holder}."))?;
    }
    let pending = status.iter().filter(|standing| standing.state.is_pending() && !is_underway(*standing));
    let (manual, pending): (Vec<_>, Vec<_>) = pending.partition(Standing::runs_only_by_name);
    let canceled = manual.iter().filter(|standing| standing.state == State::Canceled).count();
    let others = [
        (status.iter().filter(|standing| is_underway(*standing)).count(), "underway"),
        (manual.len() - canceled, "manual"),
        (canceled, "canceled"),
        (status.excluded().count(), "excluded"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!(", {count} {word}"));
    session.output.print(format_args!(
        "{} completed, {} pending{}.",
        status.completed().count(),
        pending.len(),
        others.collect::<String>()
    ))?;
    if status.iter().any(is_underway) {
        session.output.remark(format_args!("`{} backfill` shows who works on what is underway.", migrate()));
    }
    if is_wrong(status) {
        session.output.remark(format_args!("`{} validate` shows what is wrong and what to do about it.", migrate()));
    }
    let is_held_up = status.iter().any(|standing| standing.state == State::Partial);
    if !(pending.is_empty() || is_held_up || status.is_migrating()) {
        session.output.remark(format_args!("`{} up` applies pending migrations.", migrate()));
    }
    Ok(())
}

/// Whether `validate` would find something.
fn is_wrong(status: &mongrate::migrator::Status) -> bool {
    let bad = |standing: Standing<'_>| {
        let is_bad = matches!(standing.state, State::Failed | State::Interrupted | State::Partial);
        let has_error = standing.record.is_some_and(|record| record.error.is_some());
        (is_bad || has_error) && !standing.is_running || standing.has_drifted()
    };
    !status.orphans().is_empty() || status.iter().any(bad)
}

fn remarks(standing: &Standing<'_>, backfill: Option<&BackfillStatus>, verbose: bool) -> String {
    let Standing { migration, record, .. } = *standing;
    let mut remarks: Vec<_> = backfill.map(backfill::short_progress).into_iter().collect();
    if standing.has_drifted() {
        remarks.push(RED.paint("changed since it ran").to_string());
    }
    if let Some(record) = record {
        if record.batch == 0 && standing.state == State::Completed {
            remarks.push("marked by hand".to_owned());
        }
        if record.attempts > 1 {
            remarks.push(plural(record.attempts.unsigned_abs(), "execution"));
        }
        remarks.extend(record.error.clone());
    }
    if standing.state == State::Excluded {
        remarks.extend(migration.condition().map(|condition| condition.to_string()));
    }
    if remarks.is_empty() || verbose {
        remarks.push(migration.summary());
    }
    remarks.join("; ")
}
