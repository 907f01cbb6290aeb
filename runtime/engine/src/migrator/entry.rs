//! History entries of acts that belong to no migration.

use crate::options::Options;
use crate::record::{Act, Effects, HistoryEntry, host};
use crate::store::now;

/// Creates the entry of an act of this process, now. `token` is that of the lease.
pub(super) fn entry(act: Act, token: i64, options: &Options) -> HistoryEntry {
    HistoryEntry {
        id: None,
        act,
        migration_id: None,
        source: None,
        status: None,
        checksum: None,
        batch: None,
        executed_at: now(),
        execution_duration: 0,
        by: options.actor.clone(),
        because: None,
        host: host(),
        pid: i64::from(std::process::id()),
        environment: options.environment.clone(),
        codebase_version: options.codebase_version.clone(),
        error: None,
        error_stack: None,
        attempts: 0,
        token,
        previous_checksum: None,
        removed: None,
        effects: Effects::default(),
        stopped_at: None,
        log: None,
        steered: None,
        holder: None,
    }
}
