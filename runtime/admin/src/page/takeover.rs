//! How long a run waits for the lock of a holder whose lease has expired.

use std::time::Duration;

use mongrate::Migrator;

/// Two heartbeats tell a dead holder from a living one; the rest is for the server.
pub(crate) fn wait(migrator: &Migrator) -> Duration {
    migrator.heartbeat() * 2 + Duration::from_secs(5)
}
