//! How a command ends.

use std::process::ExitCode;

/// The exit codes, as the guide lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// It is done, or there was nothing to do.
    Done = 0,
    /// A migration failed, validation found something, or the command was refused.
    Failed = 1,
    /// It was called wrongly.
    Usage = 2,
    /// The lock was not obtained, or was lost.
    NoLock = 3,
    /// The server cannot be reached.
    Unreachable = 4,
    /// Something is pending.
    Pending = 5,
    /// It was told to stop.
    Interrupted = 130,
}

impl Exit {
    /// The exit code of two errors at once: what they have in common.
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
