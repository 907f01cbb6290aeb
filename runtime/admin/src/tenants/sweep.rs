//! An `up` in the databases of all tenants, as far as it is.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The newest `up` in all databases that this process has started.
#[derive(Debug, Default)]
pub(crate) struct Sweep(Mutex<Option<Progress>>);

/// How far it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The number of databases.
    pub(crate) total: usize,
    /// The number of those in which it has ended, well or not.
    pub(crate) done: usize,
    /// The databases in which it has failed, with the reason.
    pub(crate) failed: Vec<(String, String)>,
}

impl Sweep {
    /// Begins one. Returns false if another one has not ended.
    pub(crate) fn begin(&self, total: usize) -> bool {
        let mut progress = self.locked();
        let is_free = progress.as_ref().is_none_or(Progress::has_ended);
        if is_free {
            *progress = Some(Progress { total, ..Progress::default() });
        }
        is_free
    }

    /// Notes that a database is done, and why it has failed if so.
    pub(crate) fn done(&self, database: String, failure: Option<String>) {
        if let Some(progress) = &mut *self.locked() {
            progress.done += 1;
            progress.failed.extend(failure.map(|reason| (database, reason)));
        }
    }

    /// `None` if there was none.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, Option<Progress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    pub(crate) fn has_ended(&self) -> bool {
        self.done == self.total
    }
}
