//! A signal while a person is asked something: ending at once would leave a terminal without cursor and echo.

use std::io;
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Counting, LOOK_EVERY, handler};

/// How many signals have come while they were counted.
pub(crate) fn received() -> usize {
    handler::received()
}

/// Waits for a person on a thread of its own. When a signal comes, what waits there is interrupted
/// ([`io::ErrorKind::Interrupted`]) instead of the process.
pub(crate) async fn interruptible<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let signals = Counting::new();
    let (sender, mut answer) = oneshot::channel();
    // Not one of the runtime's threads: those must not be kept by somebody who is gone for lunch.
    let thread = thread::Builder::new().spawn(move || drop(sender.send(wait())))?;
    loop {
        match timeout(LOOK_EVERY, &mut answer).await {
            Ok(answer) => return answer.map_err(io::Error::other),
            // Again and again: it may have come just before the thread began to wait.
            Err(_) if handler::received() != signals.before => interrupt(&thread),
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
