//! A run of any process, from the lease and the history.

use mongrate::migration::Direction;
use mongrate::record::{Act, HistoryEntry, RecordStatus};
use mongrate::{Error, Migrator};

use super::id::RunId;
use super::progress::Done;
use super::view::{RunState, RunView, Runner};
use crate::problem::Problem;

/// Finds the run with this token.
pub(super) async fn find(migrator: &Migrator, token: i64) -> Result<Option<RunView>, Error> {
    let lock = migrator.lock_status().await?;
    // The history is read after the lock, so that a run that ends meanwhile has its entry.
    let entries = migrator.history().token(token).limit(500).await?.entries;
    let end = migrator.history().token(token).act(Act::Run).limit(1).await?.entries.pop();
    if token < 1 || token > lock.token || entries.iter().any(|entry| entry.act == Act::Unlock) {
        return Ok(None);
    }
    let holder = lock.holder.filter(|_| lock.token == token);
    let mut view = match &end {
        Some(end) => of_entry(end),
        None => RunView {
            state: if holder.as_ref().is_some_and(|holder| !holder.expired) {
                RunState::Running
            } else {
                RunState::Lost
            },
            by: holder.as_ref().and_then(|holder| holder.actor.clone()),
            current: holder.as_ref().and_then(|holder| holder.current.clone()),
            holder: holder.as_ref().map(Runner::from),
            ..empty(token)
        },
    };
    for entry in entries.iter().rev() {
        let Some(done) = done(entry) else { continue };
        view.verb = view.verb.or(Some(if entry.act == Act::Down { Direction::Down } else { Direction::Up }));
        view.by = view.by.or_else(|| entry.by.clone());
        view.because = view.because.or_else(|| entry.because.clone());
        view.done.get_or_insert_default().push(done);
    }
    Ok(Some(view))
}

/// Returns the newest runs, newest first.
pub(super) async fn newest(migrator: &Migrator, count: u32) -> Result<Vec<RunView>, Error> {
    let lock = migrator.lock_status().await?;
    let ended = migrator.history().act(Act::Run).limit(count).await?.entries;
    let mut runs: Vec<_> = ended.iter().map(of_entry).collect();
    let is_listed = runs.iter().any(|run| run.id == RunId::Token(lock.token));
    if let Some(holder) = lock.holder.filter(|_| !is_listed) {
        let state = if holder.expired { RunState::Lost } else { RunState::Running };
        let by = holder.actor.clone();
        let (current, holder) = (holder.current.clone(), Some(Runner::from(&holder)));
        runs.insert(0, RunView { state, by, holder, current, ..empty(lock.token) });
    }
    Ok(runs)
}

fn empty(token: i64) -> RunView {
    RunView {
        id: RunId::Token(token),
        state: RunState::Lost,
        verb: None,
        dry_run: false,
        by: None,
        because: None,
        holder: None,
        current: None,
        operations: Vec::new(),
        done: None,
        planned: None,
        report: None,
        error: None,
    }
}

/// The run that ended with this entry.
fn of_entry(end: &HistoryEntry) -> RunView {
    let state = match end.status {
        Some(RecordStatus::Failed) => RunState::Failed,
        Some(RecordStatus::Running) => RunState::Stopped,
        _ => RunState::Ended,
    };
    RunView {
        state,
        by: end.by.clone(),
        because: end.because.clone(),
        holder: Some(Runner {
            host: end.host.clone(),
            pid: end.pid,
            actor: end.by.clone(),
            since: end.executed_at.try_to_rfc3339_string().ok(),
            current: None,
            expired: false,
        }),
        error: end.error.as_ref().map(|error| Problem::recorded(error, end.error_stack.as_deref().unwrap_or_default())),
        ..empty(end.token)
    }
}

fn done(entry: &HistoryEntry) -> Option<Done> {
    let outcome = match (entry.act, entry.status?) {
        (Act::Up, RecordStatus::Completed) => "applied",
        (Act::Down, RecordStatus::RolledBack) => "reverted",
        (Act::Up | Act::Down, RecordStatus::Running) => "stopped",
        (Act::Up | Act::Down, _) => "failed",
        _ => return None,
    };
    Some(Done {
        id: entry.migration_id.clone()?,
        outcome,
        duration_ms: Some(super::progress::millis(entry.duration())),
        message: entry.error.clone(),
    })
}
