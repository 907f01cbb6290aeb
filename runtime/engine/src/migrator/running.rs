//! Counts the current runs of a migrator and its children, so that a shutdown can wait for them.

use std::iter;

use tokio::sync::watch;

/// The number of current runs. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Running {
    own: watch::Sender<usize>,
    /// The numbers of the migrators above.
    ancestors: Vec<watch::Sender<usize>>,
}

/// A current run, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Running);

impl Running {
    /// Creates a number whose runs are also runs of this one.
    pub(super) fn child(&self) -> Self {
        Self { own: watch::Sender::default(), ancestors: self.all().cloned().collect() }
    }

    /// Counts a run that begins.
    pub(super) fn count(&self) -> Counted {
        for running in self.all() {
            running.send_modify(|count| *count += 1);
        }
        Counted(self.clone())
    }

    /// Waits until there are no current runs.
    pub(super) async fn ended(&self) {
        let mut running = self.own.subscribe();
        // Cannot fail: the sender is in `self`.
        let _ = running.wait_for(|count| *count == 0).await;
    }

    fn all(&self) -> impl Iterator<Item = &watch::Sender<usize>> {
        iter::once(&self.own).chain(&self.ancestors)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        for running in self.0.all() {
            running.send_modify(|count| *count -= 1);
        }
    }
}
