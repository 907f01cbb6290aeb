//! SIGTERM, SIGINT and SIGHUP while a run is under way: the run ends in good order and the lease is released.
//!
//! A signal that the application handles itself is left to it (dropping the future of the run stops it, too). For one
//! that would just end the process, a handler is installed for the time of the run and the default is put back
//! afterwards. `tokio::signal` cannot do that: its handlers stay, and a service that does not handle SIGTERM itself
//! could not be ended by it any more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::stop::Stop;

/// How often a run looks whether a signal has come: all that a signal handler can safely do is to count.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Who counts signals now. Signal handlers belong to the process, so this does, too.
static COUNTING: Mutex<Counters> = Mutex::new(Counters { living: 0, before: 0 });

#[derive(Debug)]
struct Counters {
    living: usize,
    /// How many signals had come before the first of them.
    before: usize,
}

/// Counts SIGTERM, SIGINT and SIGHUP while it lives, so that they do not end the process. Signals that the application
/// handles itself are left alone; elsewhere than on Unix nothing is counted.
#[derive(Debug)]
pub struct Signals {
    /// How many signals had come before this one or one that it overlaps: a signal to the process is meant for all of them.
    before: usize,
}

impl Default for Signals {
    fn default() -> Self {
        Self::new()
    }
}

impl Signals {
    /// Begins to count.
    #[must_use]
    pub fn new() -> Self {
        let mut counters = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.living == 0 {
            // Read before the handlers are installed, so that whatever they count is newer.
            counters.before = handler::received();
            handler::install();
        }
        counters.living += 1;
        Self { before: counters.before }
    }

    /// Whether a signal has come since then.
    #[must_use]
    pub fn received(&self) -> bool {
        handler::received() != self.before
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let mut counters = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
        counters.living -= 1;
        if counters.living == 0 {
            handler::remove();
        }
    }
}

/// While it lives, a signal raises the stop sign of a run.
#[derive(Debug)]
pub(crate) struct Watch {
    signals: Signals,
    looks: tokio::task::JoinHandle<()>,
}

impl Watch {
    pub(crate) fn new(stop: Stop) -> Self {
        let signals = Signals::new();
        let before = signals.before;
        let looks = tokio::spawn(async move {
            while handler::received() == before {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            tracing::warn!("told to stop by a signal; ending the migration run");
            stop.raise(crate::stop::Reason::Interrupted);
        });
        Self { signals, looks }
    }

    /// Puts the default back, and returns whether a signal has come since the beginning, including one after the last look:
    /// it has not ended the process, and would be lost.
    pub(crate) fn end(self) -> bool {
        let before = self.signals.before;
        drop(self);
        handler::received() != before
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looks.abort();
    }
}

#[cfg(unix)]
#[allow(unsafe_code, reason = "the disposition of a signal cannot be read or restored through a safe interface")]
mod handler {
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The last one comes when a terminal or its connection is closed.
    const SIGNALS: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

    static RECEIVED: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn count(_: libc::c_int) {
        RECEIVED.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn received() -> usize {
        RECEIVED.load(Ordering::Relaxed)
    }

    pub(super) fn install() {
        replace(libc::SIG_DFL, ours());
    }

    pub(super) fn remove() {
        replace(ours(), libc::SIG_DFL);
    }

    fn ours() -> libc::sighandler_t {
        count as *const () as libc::sighandler_t
    }

    /// Where the handler is `from`, makes it `to`; anything else is the application's own and stays.
    fn replace(from: libc::sighandler_t, to: libc::sighandler_t) {
        for signal in SIGNALS {
            let mut current = MaybeUninit::<libc::sigaction>::uninit();
            // SAFETY: with a null second argument `sigaction` only writes the current action to the third, a valid
            // place for one, and has written it when it returns 0.
            let action = unsafe {
                if libc::sigaction(signal, ptr::null(), current.as_mut_ptr()) != 0 {
                    continue;
                }
                current.assume_init()
            };
            if action.sa_sigaction == from {
                let mut action = action;
                action.sa_sigaction = to;
                action.sa_flags = libc::SA_RESTART;
                // SAFETY: `action` is whole, and its handler is the default one or `count`, which only touches an
                // atomic and so may run at any moment on any thread.
                unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
            }
        }
    }
}

/// Elsewhere a signal ends the process, and the lease expires by itself.
#[cfg(not(unix))]
mod handler {
    pub(super) fn received() -> usize {
        0
    }
    pub(super) fn install() {}
    pub(super) fn remove() {}
}
