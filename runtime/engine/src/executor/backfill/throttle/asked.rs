//! What the program's own function says.

use std::time::Duration;

use mongodb::Database;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::Throttle;
use crate::context::Ask;
use crate::error::readable;

/// How often it is asked.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The newest answer of a `throttle_when` function.
#[derive(Debug)]
pub(crate) struct Asked {
    ask: Ask,
    database: Database,
    asking: Option<JoinHandle<Option<Throttle>>>,
    due: Instant,
    newest: Option<Throttle>,
}

impl Asked {
    pub(crate) fn new(ask: &Ask, database: &Database) -> Self {
        let newest = Some(Throttle { stopped: true, reason: "`throttle_when` has not answered yet".to_owned() });
        Self { ask: ask.clone(), database: database.clone(), asking: None, due: Instant::now(), newest }
    }

    /// Returns the newest answer, without waiting for the next one.
    pub(crate) async fn newest(&mut self) -> Option<Throttle> {
        if let Some(asking) = self.asking.take_if(|asking| asking.is_finished()) {
            self.newest = asking.await.unwrap_or_else(|_| Some(failed("panicked")));
        }
        if self.asking.is_none() && self.due <= Instant::now() {
            self.due = Instant::now() + INTERVAL;
            let answer = self.ask.ask(self.database.clone());
            self.asking = Some(tokio::spawn(async {
                match timeout(LIMIT, answer).await {
                    Ok(Ok(reason)) => reason.map(|reason| Throttle { stopped: true, reason }),
                    Ok(Err(error)) => Some(failed(&format!("failed: {}", readable(&*error)))),
                    Err(_) => Some(failed("has not answered within 10 s")),
                }
            }));
        }
        self.newest.clone()
    }
}

/// It is not known whether to wait, so the work is slowed.
fn failed(how: &str) -> Throttle {
    Throttle { stopped: false, reason: format!("`throttle_when` {how}") }
}
