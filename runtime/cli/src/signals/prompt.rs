//! Signals during a prompt: ending at once would leave the terminal without cursor and echo.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use mongrate::stop::Signals;

use super::POLL_INTERVAL;

/// Number of open prompts.
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

/// Waits until no prompt is open.
pub(crate) async fn no_prompt_is_open() {
    while OPEN.load(Ordering::Relaxed) > 0 {
        sleep(POLL_INTERVAL / 4).await;
    }
}

/// Runs a blocking prompt on a thread of its own. A signal interrupts the prompt ([`io::ErrorKind::Interrupted`]) instead of the
/// process.
pub(crate) async fn interruptible<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (signals, _open) = (Signals::new(), Open::new());
    let (sender, mut answer) = oneshot::channel();
    // Not a thread of the runtime, which an unanswered prompt would block.
    let thread = thread::Builder::new().spawn(move || drop(sender.send(wait())))?;
    loop {
        match timeout(POLL_INTERVAL, &mut answer).await {
            Ok(answer) => return answer.map_err(io::Error::other),
            // Repeatedly, because the first may have come just before the thread began to wait.
            Err(_) if signals.received() => interrupt(&thread),
            Err(_) => {}
        }
    }
}

/// Interrupts the system call in which a thread waits. A signal to the process may be handled by any of its threads.
#[cfg(unix)]
#[allow(unsafe_code, reason = "a thread cannot be sent a signal through a safe interface")]
fn interrupt<T>(thread: &JoinHandle<T>) {
    use std::os::unix::thread::JoinHandleExt;

    // SAFETY: the handle exists, so the thread was neither joined nor detached, and its id is valid even after it has ended.
    unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGINT) };
}

/// On other systems, the signal has already ended the process.
#[cfg(not(unix))]
fn interrupt<T>(_: &JoinHandle<T>) {}
