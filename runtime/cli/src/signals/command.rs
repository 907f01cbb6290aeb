//! Signals while a command is running.
//!
//! The first process of a container receives only signals for which it has a handler, so the default action does not end a
//! command there. The handlers are installed before the command does anything. If the command blocks, a separate thread ends the
//! process in time.

use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mongrate::stop::Signals;

use super::POLL_INTERVAL;

/// Time limit for a command to end after a signal.
const LIMIT: Duration = Duration::from_millis(4_900);

/// Exit code after a signal.
const INTERRUPTED: i32 = 130;

static SIGNALS: Mutex<Option<Signals>> = Mutex::new(None);

/// Whether a command is running, which reacts to a signal itself.
static IS_COMMAND_RUNNING: AtomicBool = AtomicBool::new(false);

/// From now on, a signal ends this process with exit code 130: at once, unless a command is running.
pub(crate) fn handle_signals() {
    let mut signals = signals();
    // Without the thread, nothing would react to a signal, so its default action is kept.
    if signals.is_none() && thread::Builder::new().name("mongrate-signals".to_owned()).spawn(watch).is_ok() {
        *signals = Some(Signals::new());
    }
}

fn signals() -> MutexGuard<'static, Option<Signals>> {
    SIGNALS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch() {
    loop {
        match &*signals() {
            None => return,
            Some(signals) if signals.received() => break,
            Some(_) => {}
        }
        thread::sleep(POLL_INTERVAL);
    }
    if IS_COMMAND_RUNNING.load(Ordering::Relaxed) {
        thread::sleep(LIMIT);
    }
    exit(INTERRUPTED);
}

/// Guard of a running command, which has [`LIMIT`] to end after a signal.
#[derive(Debug)]
pub(crate) struct RunningCommand;

impl RunningCommand {
    pub(crate) fn new() -> Self {
        handle_signals();
        IS_COMMAND_RUNNING.store(true, Ordering::Relaxed);
        Self
    }

    /// Waits for a signal.
    pub(crate) async fn interrupted(&self) {
        while !signals().as_ref().is_some_and(Signals::received) {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        let mut signals = signals();
        // After a signal the thread stays, because the rest of the program must not keep the process alive, either.
        if !signals.as_ref().is_some_and(Signals::received) {
            *signals = None;
            IS_COMMAND_RUNNING.store(false, Ordering::Relaxed);
        }
    }
}
