//! Signals to a process that runs a command.

mod command;
mod prompt;

use std::time::Duration;

pub(crate) use self::command::{RunningCommand, handle_signals};
pub(crate) use self::prompt::{interruptible, no_prompt_is_open};

/// Polling interval for signals.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
