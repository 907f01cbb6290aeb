//! Watches the servers while anybody works.

use std::convert::Infallible;
use std::time::Duration;

use mongodb::Database;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Throttle;
use super::members::Members;
use super::reading::judge;

/// How often the servers are asked.
const INTERVAL: Duration = Duration::from_secs(2);

/// Tells the workers of a process whether they are slowed or stopped. There is one for all backfills of a database.
#[derive(Debug)]
pub(crate) struct Gauge {
    database: Database,
    newest: watch::Sender<Option<Throttle>>,
}

impl Gauge {
    pub(crate) fn new(database: &Database) -> Self {
        Self { database: database.clone(), newest: watch::Sender::new(None) }
    }

    /// For a worker, which keeps it as long as it works.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Throttle>> {
        self.newest.subscribe()
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
            let before = self.newest.borrow().clone();
            let throttle = judge(&readings, before.as_ref());
            log(before.as_ref(), throttle.as_ref());
            self.newest.send_if_modified(|newest| {
                let is_new = *newest != throttle;
                *newest = throttle;
                is_new
            });
        }
    }
}

/// Logs the beginning and the end, not each new value.
fn log(before: Option<&Throttle>, now: Option<&Throttle>) {
    match now {
        None if before.is_some() => tracing::info!("backfills go on at their pace"),
        Some(throttle) if before.map(Throttle::label) != Some(throttle.label()) => {
            tracing::info!(reason = throttle.reason, "backfills are {}", throttle.label());
        }
        _ => {}
    }
}
