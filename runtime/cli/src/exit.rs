//! Exit codes.

use std::process::ExitCode;

/// The exit codes, as the guide lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Success, or nothing to do.
    Done = 0,
    /// A migration failed, validation found something, or the command was refused.
    Failed = 1,
    /// A usage error.
    Usage = 2,
    /// The lock was not obtained, or was lost.
    NoLock = 3,
    /// The server cannot be reached.
    Unreachable = 4,
    /// Migrations are pending.
    Pending = 5,
    /// Nothing is pending but backfills that are underway, and what waits for them.
    Underway = 6,
    /// The command was interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The exit code of two errors: theirs if they agree, or else [`Failed`](Self::Failed).
    pub(super) fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Failed }
    }

    pub(super) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
