//! Watches the servers while anybody works.

use std::convert::Infallible;
use std::time::Duration;

use mongodb::Database;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Throttle;
use super::members::Members;
use super::reading::{Reading, judge};

/// How often the servers are asked.
const INTERVAL: Duration = Duration::from_secs(2);

/// The newest signals. There is one gauge for all backfills of a database on which a process works.
#[derive(Debug)]
pub(crate) struct Gauge {
    database: Database,
    newest: watch::Sender<Vec<Reading>>,
}

/// Somebody who works. The servers are asked only while there is one.
#[derive(Debug)]
pub(crate) struct Working(#[expect(dead_code, reason = "only counted")] watch::Receiver<Vec<Reading>>);

impl Gauge {
    pub(crate) fn new(database: &Database) -> Self {
        Self { database: database.clone(), newest: watch::Sender::new(Vec::new()) }
    }

    /// For a worker, which keeps it as long as it works.
    pub(crate) fn working(&self) -> Working {
        Working(self.newest.subscribe())
    }

    /// Returns what follows from the signals. `max_lag` is what a person has set, and `before` what followed last.
    pub(crate) fn judge(&self, max_lag: Option<Duration>, before: Option<&Throttle>) -> Option<Throttle> {
        judge(&self.newest.borrow(), max_lag, before)
    }

    /// Asks the servers time and again, unless nobody works.
    pub(crate) async fn watch(&self) -> Infallible {
        let mut members = Members::new(self.database.clone());
        loop {
            sleep(INTERVAL).await;
            let readings = if self.newest.receiver_count() > 0 {
                members.read().await
            } else {
                members.forget();
                Vec::new()
            };
            self.newest.send_replace(readings);
        }
    }
}
