//! Whether the application may get requests, for an orchestrator that asks often.

use std::sync::Arc;
use std::time::Duration;

use mongrate::Error;
use mongrate::Migrator;
use mongrate::migrator::Health;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// How long an answer is repeated.
const FRESH: Duration = Duration::from_secs(1);

/// How long a caller waits for the database.
const PATIENCE: Duration = Duration::from_secs(2);

/// The last reading of the health. One caller reads at most once a second, and all others wait for it.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Reading>);

#[derive(Debug, Default)]
struct Reading {
    last: Option<(Instant, Option<Arc<Health>>)>,
    /// A reading that took longer than its caller waited.
    flight: Option<JoinHandle<Result<Health, Error>>>,
}

impl Readiness {
    /// The health, at most a second old. `None` if the database does not answer.
    pub(crate) async fn read(&self, migrator: &Migrator) -> Option<Arc<Health>> {
        let mut reading = self.0.lock().await;
        if let Some((_, health)) = reading.last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return health.clone();
        }
        let mut flight = reading.flight.take().unwrap_or_else(|| {
            let migrator = migrator.clone();
            tokio::spawn(async move { migrator.health().await })
        });
        let health = match timeout(PATIENCE, &mut flight).await {
            Ok(Ok(Ok(health))) => Some(Arc::new(health)),
            Ok(Ok(Err(error))) => {
                let error = error.message();
                tracing::warn!(error = %mongrate::display::redacted(&error), "not ready: the database cannot be read");
                None
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "not ready: the check ended early");
                None
            }
            Err(_) => {
                reading.flight = Some(flight);
                None
            }
        };
        reading.last = Some((Instant::now(), health.clone()));
        health
    }
}
