//! Signals to a process that runs a command.

mod command;
mod question;

use std::time::Duration;

pub(crate) use self::command::{Attended, attend};
pub(crate) use self::question::{interruptible, nobody_is_asked};

/// How often a wait looks whether a signal has come.
const LOOK_EVERY: Duration = Duration::from_millis(100);
