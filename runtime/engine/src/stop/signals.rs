//! Handles SIGTERM, SIGINT and SIGHUP during a run: the run stops gracefully and releases the lease.
//!
//! Handlers are installed only for signals that would otherwise end the process, and the default is restored after the run. A
//! signal that the application handles itself is left alone; the application stops the run by dropping its future. `tokio::signal`
//! is not used because its handlers are permanent: after the first run, SIGTERM could no longer end a service without a handler of
//! its own.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::stop::Stop;

/// Interval at which a run checks for signals. The handler itself can safely do nothing but count.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The instances of [`Signals`]. Global, because signal handlers are.
static COUNTERS: Mutex<Counters> = Mutex::new(Counters { living: 0, before: 0 });

#[derive(Debug)]
struct Counters {
    living: usize,
    /// Number of signals before the first of them was created.
    before: usize,
}

/// Counts SIGTERM, SIGINT and SIGHUP instead of letting them end the process, until it is dropped. Signals that the application
/// handles itself are left alone. Does nothing on systems other than Unix.
#[derive(Debug)]
pub struct Signals {
    /// Number of signals before this instance, or before the first one that it overlaps: a signal is meant for all of them.
    before: usize,
}

impl Default for Signals {
    fn default() -> Self {
        Self::new()
    }
}

impl Signals {
    /// Starts counting.
    #[must_use]
    pub fn new() -> Self {
        let mut counters = COUNTERS.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.living == 0 {
            // Read before the handlers are installed, so that all signals that they count are newer.
            counters.before = handler::received();
            handler::install();
        }
        counters.living += 1;
        Self { before: counters.before }
    }

    /// Returns whether a signal was received since.
    #[must_use]
    pub fn received(&self) -> bool {
        handler::received() != self.before
    }

    /// Ends the counting. If a signal was received and its default action is in force again, raises it once more, which ends the
    /// process: for work that nobody awaits, so that its error would not end the process.
    pub fn pass_on(self) {
        let received = self.received();
        drop(self);
        if received {
            handler::raise_last();
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let mut counters = COUNTERS.lock().unwrap_or_else(PoisonError::into_inner);
        counters.living -= 1;
        if counters.living == 0 {
            handler::remove();
        }
    }
}

/// Raises the stop signal of a run when a process signal is received.
#[derive(Debug)]
pub(crate) struct Watch {
    signals: Signals,
    poll: tokio::task::JoinHandle<()>,
}

impl Watch {
    pub(crate) fn new(stop: Stop) -> Self {
        let signals = Signals::new();
        let before = signals.before;
        let poll = tokio::spawn(async move {
            while handler::received() == before {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            tracing::warn!("received a signal; stopping the migration run");
            stop.raise(crate::stop::Reason::Interrupted);
        });
        Self { signals, poll }
    }

    /// Restores the default, and returns whether a signal was received. This includes one after the last poll, which did not end the
    /// process and would be lost.
    pub(crate) fn end(self) -> bool {
        let before = self.signals.before;
        drop(self);
        handler::received() != before
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.poll.abort();
    }
}

#[cfg(unix)]
#[allow(unsafe_code, reason = "the disposition of a signal cannot be read or restored through a safe interface")]
mod handler {
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

    /// SIGHUP is sent when the terminal or its connection is closed.
    const SIGNALS: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

    static RECEIVED: AtomicUsize = AtomicUsize::new(0);

    /// The signal that was received last.
    static LAST: AtomicI32 = AtomicI32::new(0);

    extern "C" fn count(signal: libc::c_int) {
        LAST.store(signal, Ordering::Relaxed);
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

    /// Raises the signal that was received last, unless somebody handles it.
    pub(super) fn raise_last() {
        let signal = LAST.load(Ordering::Relaxed);
        if action(signal).is_some_and(|action| action.sa_sigaction == libc::SIG_DFL) {
            // SAFETY: `raise` has no preconditions.
            unsafe { libc::raise(signal) };
        }
    }

    /// Returns the current action of a signal.
    fn action(signal: libc::c_int) -> Option<libc::sigaction> {
        let mut current = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: with a null second argument, `sigaction` only writes the current action to the third, which is valid for
        // writes. It is initialized if the result is 0.
        unsafe { (libc::sigaction(signal, ptr::null(), current.as_mut_ptr()) == 0).then(|| current.assume_init()) }
    }

    /// Replaces the handler `from` by `to`. Any other handler is the application's own and stays.
    fn replace(from: libc::sighandler_t, to: libc::sighandler_t) {
        for signal in SIGNALS {
            let Some(action) = action(signal) else { continue };
            if action.sa_sigaction == from {
                let mut action = action;
                action.sa_sigaction = to;
                action.sa_flags = libc::SA_RESTART;
                // SAFETY: `action` is initialized, and its handler is the default or `count`, which only changes an atomic
                // and is therefore async-signal-safe.
                unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
            }
        }
    }
}

/// On other systems, a signal ends the process, and the lease expires.
#[cfg(not(unix))]
mod handler {
    pub(super) fn received() -> usize {
        0
    }
    pub(super) fn install() {}
    pub(super) fn remove() {}
    pub(super) fn raise_last() {}
}
