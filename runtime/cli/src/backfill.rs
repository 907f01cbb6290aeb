//! `backfill`

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use clap::{Args, Subcommand};
use console::Emoji;
use mongrate::Error;
use mongrate::context::Pace;
use mongrate::display::{Count, plural};
use mongrate::json;
use mongrate::migration::{Direction, Kind, State};
use mongrate::migrator::{BackfillStatus, BackfillWorker, Migrator, Standing, Steer};
use mongrate::plan::Registry;
use mongrate::record::Act;

use super::confirm::confirm;
use super::exit::Exit;
use super::failure::Failure;
use super::ink::{RED, YELLOW};
use super::invocation::migrate;
use super::mark::amend_as;
use super::options::{Reasoned, Who, time};
use super::session::Session;
use super::up::Run;
use super::{outcome, style, table};

/// Number of characters of a bar, one for each 5 percent.
const BAR: usize = 20;

#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Backfill {
    #[command(subcommand)]
    subcommand: Option<Verb>,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// Stop the work on a backfill until it is resumed
    Pause(Steered),
    /// Go on with a paused backfill
    Resume(Steered),
    /// Change how fast a backfill works
    Tune(Tuned),
    /// List the documents that a backfill has skipped because their change failed
    Skipped(Skipped),
    /// Go on with a backfill that has failed, and try again what was skipped: the same as `run`
    Retry(Run),
    /// End a backfill: what it has changed stays, and it runs again only when it is named
    Cancel(Ended),
    /// Let the next `up` start a backfill from the beginning
    Restart(Ended),
}

#[derive(Clone, Debug, Args)]
struct Skipped {
    /// Qualified id of the backfill
    id: String,
}

#[derive(Clone, Debug, Args)]
struct Ended {
    /// Qualified id of the backfill
    id: String,

    #[command(flatten)]
    reasoned: Reasoned,
}

#[derive(Clone, Debug, Args)]
struct Steered {
    /// Qualified id of the backfill
    id: String,

    #[command(flatten)]
    who: Who,

    /// Reason for the history
    #[arg(long, value_name = "REASON")]
    because: Option<String>,
}

#[derive(Clone, Debug, Args)]
#[group(id = "tuning", required = true, multiple = true, args = ["workers", "pace", "max_lag", "batch_time", "reset"])]
struct Tuned {
    /// Number of batches at the same time, in all processes together
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one)]
    workers: Option<NonZeroU32>,

    /// `full`, `polite` (rests after each batch as long as it took), or a number of documents per second
    #[arg(long)]
    pace: Option<Pace>,

    /// Lag of a member or of the majority from which on no batch starts, such as 10s (default: 4s); half of it slows the work
    #[arg(long, value_name = "TIME", value_parser = time)]
    max_lag: Option<Duration>,

    /// How long a batch should take, such as 200ms (default: 100ms)
    #[arg(long, value_name = "TIME", value_parser = time)]
    batch_time: Option<Duration>,

    /// Take what is not given here from the code again
    #[arg(long)]
    reset: bool,

    #[command(flatten)]
    steered: Steered,
}

fn at_least_one(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "expected a number from 1 on".to_owned())
}

impl Verb {
    async fn run(self, session: &Session) -> Result<Exit, Failure> {
        match self {
            Self::Pause(steered) => steered.run(session, Steer::pause).await,
            Self::Resume(steered) => steered.run(session, Steer::resume).await,
            Self::Tune(Tuned { workers, pace, max_lag, batch_time, reset, steered }) => {
                let tune = |steer: Steer| {
                    let steer = if reset { steer.as_coded() } else { steer };
                    let steer = workers.into_iter().fold(steer, Steer::workers);
                    let steer = pace.into_iter().fold(steer, Steer::pace);
                    let steer = max_lag.into_iter().fold(steer, Steer::max_lag);
                    batch_time.into_iter().fold(steer, Steer::batch_time)
                };
                steered.run(session, tune).await
            }
            Self::Skipped(Skipped { id }) => list_skipped(session, id).await,
            Self::Retry(run) => retry(session, run).await,
            Self::Cancel(ended) => ended.run(session, Act::Cancel).await,
            Self::Restart(ended) => ended.run(session, Act::Restart).await,
        }
    }
}

impl Steered {
    async fn run(self, session: &Session, change: impl FnOnce(Steer) -> Steer) -> Result<Exit, Failure> {
        let Self { id, who, because } = self;
        let migrator = session.migrator().await?;
        let steer = who.by().into_iter().fold(change(migrator.steer(&id)), Steer::by);
        because.into_iter().fold(steer, Steer::because).await?;
        let backfills = migrator.backfills().await?;
        let output = &session.output;
        if output.is_json() {
            output.json(&json::Backfills::of(&backfills))?;
        } else if let Some(backfill) = backfills.iter().find(|backfill| backfill.id == id) {
            output.outcome(format_args!("{id}: {}", remarks(backfill)))?;
        } else {
            output.outcome(format_args!("{id}: completed meanwhile"))?;
        }
        Ok(Exit::Done)
    }
}

/// Runs it by name, if it is a backfill.
async fn retry(session: &Session, run: Run) -> Result<Exit, Failure> {
    let registry = Registry::linked();
    if registry.get(&run.id).is_some_and(|migration| migration.kind() != Kind::Backfill) {
        return Err(Error::NotUnderway { id: run.id }.into());
    }
    run.run(session).await
}

impl Ended {
    async fn run(self, session: &Session, act: Act) -> Result<Exit, Failure> {
        let Self { id, reasoned } = self;
        let migrator = session.migrator_for(&reasoned.writing).await?;
        let (amend, question) = match act {
            Act::Cancel => {
                (migrator.cancel_backfill(&id), format!("Cancel '{id}'? What it has changed stays changed."))
            }
            _ => (
                migrator.restart_backfill(&id),
                format!("Start '{id}' from the beginning? What it has changed is changed again if it still matches."),
            ),
        };
        if !confirm(session, migrator, None, &question).await? {
            return outcome::declined(session);
        }
        amend_as(session, amend, &reasoned, Failure::from).await
    }
}

impl Backfill {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        if let Some(subcommand) = self.subcommand {
            return subcommand.run(session).await;
        }
        let backfills = session.migrator().await?.backfills().await?;
        let output = &session.output;
        if output.is_json() {
            output.json(&json::Backfills::of(&backfills))?;
            return Ok(Exit::Done);
        }
        if backfills.is_empty() {
            output.print("No backfill is underway.")?;
            return Ok(Exit::Done);
        }
        let mut rows = table::with(&["status", "migration", "done", "", "documents", "ranges", "remarks"]);
        for backfill in &backfills {
            rows.add_row([
                style::state(backfill.label(), backfill.state).to_string(),
                backfill.id.clone(),
                bar(backfill.percent()),
                percent(backfill),
                documents(backfill),
                format!("{} of {}", backfill.done, backfill.ranges),
                remarks(backfill),
            ]);
        }
        output.print(table::text(rows, &["done", "ranges"]))?;
        output.remark(format_args!("\n`{} up` works on what is underway until it is completed.", migrate()));
        Ok(Exit::Done)
    }
}

async fn list_skipped(session: &Session, id: String) -> Result<Exit, Failure> {
    let skipped = session.migrator().await?.skipped(id).await?;
    let output = &session.output;
    if output.is_json() {
        output.json(&json::SkippedDocuments::of(&skipped))?;
    } else if skipped.is_empty() {
        output.print("No document was skipped.")?;
    } else {
        let mut rows = table::with(&["_id", "failed", "error"]);
        for document in &skipped {
            rows.add_row([document.id.to_string(), style::moment(document.at), document.message.clone()]);
        }
        output.print(table::text(rows, &[]))?;
        output.remark(format_args!("\nCorrect or delete them; `{} up` tries them again.", migrate()));
    }
    Ok(Exit::Done)
}

/// Returns the backfills of a database by id. Reads nothing if no migration that the program has is one of them.
pub(super) async fn underway<'a>(
    migrator: &Migrator,
    mut standings: impl Iterator<Item = Standing<'a>>,
) -> Result<BTreeMap<String, BackfillStatus>, Failure> {
    let may_be_underway = |standing: Standing<'_>| {
        standing.migration.kind() == Kind::Backfill && standing.state.is_pending() && standing.record.is_some()
    };
    if !standings.any(may_be_underway) {
        return Ok(BTreeMap::new());
    }
    let backfills = migrator.backfills().await?;
    Ok(backfills.into_iter().map(|backfill| (backfill.id.clone(), backfill)).collect())
}

/// How far it has come, in a few words: `42.1 % of 12,000 documents`.
pub(super) fn short_progress(backfill: &BackfillStatus) -> String {
    let paused = if backfill.paused.is_some() { ", paused" } else { "" };
    let throttled = throttled(backfill).map(|throttled| format!(", {throttled}")).unwrap_or_default();
    format!("{} of {}{paused}{throttled}", percent(backfill), plural(backfill.documents, "document"))
}

/// How far it has come: `42.1 %, 5,052 of 12,000 documents of 'orders', 6 of 16 ranges`.
pub(super) fn progress(backfill: &BackfillStatus) -> String {
    let BackfillStatus { collection, done, ranges, .. } = backfill;
    let (percent, documents) = (percent(backfill), documents(backfill));
    let sweep = backfill.sweep().map(|sweep| format!(", {sweep}")).unwrap_or_default();
    format!("{percent}, {documents} documents of '{collection}', {done} of {ranges} ranges{sweep}")
}

/// Who works on it: `process 12 on host-a (2 ranges), process 7 on host-b`.
pub(super) fn workers(backfill: &BackfillStatus) -> String {
    let workers = backfill.workers.iter().map(|BackfillWorker { host, pid, ranges, .. }| match ranges {
        1 => format!("process {pid} on {host}"),
        _ => format!("process {pid} on {host} ({ranges} ranges)"),
    });
    let workers: Vec<_> = workers.collect();
    if workers.is_empty() { "nobody is working on it".to_owned() } else { workers.join(", ") }
}

fn remarks(backfill: &BackfillStatus) -> String {
    let mut remarks = Vec::new();
    if backfill.direction == Direction::Down {
        remarks.push("being reverted".to_owned());
    }
    if let Some(failure) = &backfill.failure {
        remarks.push(RED.paint(failure).to_string());
    } else if backfill.done == backfill.ranges && backfill.skipped == 0 {
        remarks.push(format!("all documents are done; `{} up` completes it", migrate()));
    }
    if backfill.skipped > 0 {
        let skipped = format!("{} skipped", plural(backfill.skipped, "document"));
        remarks.push(RED.paint(&skipped).to_string());
    }
    let is_paused = backfill.paused.is_some();
    remarks.extend(steering(backfill));
    let is_unfinished = backfill.state == State::Underway && backfill.done < backfill.ranges;
    if is_unfinished && !is_paused || !backfill.workers.is_empty() {
        remarks.push(workers(backfill));
    }
    remarks.extend(throttled(backfill));
    remarks.extend(backfill.sweep());
    remarks.extend(backfill.speed());
    remarks.join("; ")
}

/// Why it is slower than its pace: `slowed: member h2:27018 is 3 s behind, limit 2 s`.
pub(super) fn throttled(backfill: &BackfillStatus) -> Option<String> {
    backfill.throttled.as_ref().map(|throttle| YELLOW.paint(&throttle.to_string()).to_string())
}

/// What a person has set in place of the code's: `paused by ana (sale), 4 workers, pace polite`.
pub(super) fn steering(backfill: &BackfillStatus) -> Option<String> {
    let paused = backfill.paused.as_ref().map(|pause| YELLOW.paint(&pause.to_string()).to_string());
    let set: Vec<_> = [paused, backfill.tuned()].into_iter().flatten().collect();
    (!set.is_empty()).then(|| set.join(", "))
}

fn percent(backfill: &BackfillStatus) -> String {
    format!("{:.1} %", backfill.percent())
}

fn documents(backfill: &BackfillStatus) -> String {
    // The estimate may be too low.
    let total = backfill.documents.max(backfill.scanned);
    format!("{} of {}", Count(backfill.scanned), Count(total))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage")]
fn bar(percent: f64) -> String {
    let full = ((percent / 5.0) as usize).min(BAR);
    format!("{}{}", Emoji("█", "#").to_string().repeat(full), Emoji("░", "-").to_string().repeat(BAR - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_at_the_end_only() {
        let full = |percent| bar(percent).chars().filter(|cell| ['█', '#'].contains(cell)).count();
        assert_eq!([0.0, 4.9, 5.0, 50.0, 99.9].map(full), [0, 0, 1, 10, 19]);
        assert_eq!(bar(42.0).chars().count(), BAR);
    }
}
