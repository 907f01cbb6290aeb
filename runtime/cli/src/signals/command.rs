//! Signals to a process that runs a command of the command line.
//!
//! The first process of a container gets only signals for which it has a handler, so the default action is no way to end a
//! command. The handlers are installed before the command does anything, and whatever blocks the command, a thread of its
//! own ends the process in time.

use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mongrate::stop::Signals;

use super::LOOK_EVERY;

/// How long a command may take to end after a signal.
const LIMIT: Duration = Duration::from_millis(4_900);

/// The exit code of a process that a signal has ended.
const INTERRUPTED: i32 = 130;

static ATTENDED: Mutex<Option<Signals>> = Mutex::new(None);

/// Whether a command runs, which reacts to a signal itself.
static UNDER_WAY: AtomicBool = AtomicBool::new(false);

/// From now on a signal ends this process with the exit code 130, at once unless a command is under way.
pub(crate) fn attend() {
    let mut attended = attended();
    // Without the thread nobody would react to a signal, so then its default action is kept.
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
        thread::sleep(LOOK_EVERY);
    }
    if UNDER_WAY.load(Ordering::Relaxed) {
        thread::sleep(LIMIT);
    }
    exit(INTERRUPTED);
}

/// While it lives, a command is under way, which has [`LIMIT`] to end after a signal.
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
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        let mut attended = attended();
        // After a signal the thread stays: the rest of the program must not keep the process, either.
        if !attended.as_ref().is_some_and(Signals::received) {
            *attended = None;
            UNDER_WAY.store(false, Ordering::Relaxed);
        }
    }
}
