//! Async work in a `drop`, where there is no runtime.

use std::thread;

/// Runs the future on a new thread with its own runtime, and waits for it. Works while a test panics.
pub(crate) fn block_on(work: impl Future<Output = ()> + Send + 'static) {
    let run = move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => eprintln!("cannot start a runtime for the cleanup: {error}"),
    };
    if thread::spawn(run).join().is_err() {
        eprintln!("a cleanup panicked");
    }
}
