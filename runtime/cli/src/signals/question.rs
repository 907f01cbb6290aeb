//! A signal while a person is asked something: ending at once would leave a terminal without cursor and echo.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use mongrate::stop::Signals;

use super::LOOK_EVERY;

/// How many questions are open.
static OPEN: AtomicUsize = AtomicUsize::new(0);

struct Open;

impl Open {
    fn new() -> Self {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits until no question is open.
pub(crate) async fn nobody_is_asked() {
    while OPEN.load(Ordering::Relaxed) > 0 {
        sleep(LOOK_EVERY / 4).await;
    }
}

/// Waits for a person on a thread of its own. When a signal comes, what waits there is interrupted
/// ([`io::ErrorKind::Interrupted`]) instead of the process.
pub(crate) async fn interruptible<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (signals, _open) = (Signals::new(), Open::new());
    let (sender, mut answer) = oneshot::channel();
    // Not one of the runtime's threads: those must not be kept by somebody who is gone for lunch.
    let thread = thread::Builder::new().spawn(move || drop(sender.send(wait())))?;
    loop {
        match timeout(LOOK_EVERY, &mut answer).await {
            Ok(answer) => return answer.map_err(io::Error::other),
            // Again and again: it may have come just before the thread began to wait.
            Err(_) if signals.received() => interrupt(&thread),
            Err(_) => {}
        }
    }
}

/// Ends the system call in which a thread waits. A signal that was sent to the process is handled by any one of its threads.
#[cfg(unix)]
#[allow(unsafe_code, reason = "a thread cannot be sent a signal through a safe interface")]
fn interrupt<T>(thread: &JoinHandle<T>) {
    use std::os::unix::thread::JoinHandleExt;

    // SAFETY: there is a handle of it, so it was neither joined nor detached, and its id is valid even when it has ended.
    unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGINT) };
}

/// Elsewhere a signal has ended the process.
#[cfg(not(unix))]
fn interrupt<T>(_: &JoinHandle<T>) {}
