//! Async work from where there is no runtime to await it on: a `drop`.

use std::thread;

/// Runs the future on a thread and a runtime of its own and waits for it, also while a test panics.
pub(crate) fn block_on(work: impl Future<Output = ()> + Send + 'static) {
    let run = move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => eprintln!("no runtime to clean up on: {error}"),
    };
    if thread::spawn(run).join().is_err() {
        eprintln!("a clean-up panicked");
    }
}
