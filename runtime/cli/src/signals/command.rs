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

static ATTENDED: Mutex<Option<Signals>> = Mutex::new(None);

/// Whether a command is running, which reacts to a signal itself.
static UNDER_WAY: AtomicBool = AtomicBool::new(false);

/// From now on, a signal ends this process with exit code 130: at once, unless a command is running.
pub(crate) fn attend() {
    let mut attended = attended();
    // Without the thread, nothing would react to a signal, so its default action is kept.
    if attended.is_none() && thread::Builder::new().name("mongrate-signals".to_owned()).spawn(watch).is_ok() {
        *attended = Some(Signals::new());
    }
}

fn attended() -> MutexGuard<'static, Option<Signals>> {
    ATTENDED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch() {
    loop {
        match &*attended() {
            None => return,
            Some(signals) if signals.received() => break,
            Some(_) => {}
        }
        thread::sleep(POLL_INTERVAL);
    }
    if UNDER_WAY.load(Ordering::Relaxed) {
        thread::sleep(LIMIT);
    }
    exit(INTERRUPTED);
}

/// Guard of a running command, which has [`LIMIT`] to end after a signal.
#[derive(Debug)]
pub(crate) struct Attended;

impl Attended {
    pub(crate) fn new() -> Self {
        attend();
        UNDER_WAY.store(true, Ordering::Relaxed);
        Self
    }

    /// Waits for a signal.
    pub(crate) async fn interrupted(&self) {
        while !attended().as_ref().is_some_and(Signals::received) {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        let mut attended = attended();
        // After a signal the thread stays, because the rest of the program must not keep the process alive, either.
        if !attended.as_ref().is_some_and(Signals::received) {
            *attended = None;
            UNDER_WAY.store(false, Ordering::Relaxed);
        }
    }
}
