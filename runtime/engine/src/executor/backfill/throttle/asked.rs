//! What the program's own function says.

use std::time::Duration;

use mongodb::Database;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout};

use super::Throttle;
use crate::context::Ask;
use crate::display::shorten;
use crate::error::readable;
use crate::migration::registration::BoxError;

/// How often it is asked.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(10);

/// From when on an answer says nothing any more, as after a pause.
const OLD: Duration = Duration::from_secs(20);

/// How long to wait for an answer, if there is none that says something.
const FIRST: Duration = Duration::from_secs(1);

/// The newest answer of a `throttle_when` function.
#[derive(Debug)]
pub(crate) struct Asked {
    ask: Ask,
    database: Database,
    /// Only one question at a time. It has a task of its own, because the function may panic or block.
    asking: Option<JoinHandle<Result<Option<String>, BoxError>>>,
    since: Option<Instant>,
    newest: Option<(Instant, Option<Throttle>)>,
}

impl Asked {
    pub(crate) fn new(ask: &Ask, database: &Database) -> Self {
        Self { ask: ask.clone(), database: database.clone(), asking: None, since: None, newest: None }
    }

    /// Returns the newest answer, and asks again if it is time.
    pub(crate) async fn newest(&mut self) -> Option<Throttle> {
        self.receive(Duration::ZERO).await;
        if self.asking.is_none() && self.since.is_none_or(|since| since.elapsed() >= INTERVAL) {
            let (ask, database) = (self.ask.clone(), self.database.clone());
            self.asking = Some(tokio::spawn(async move { ask.ask(database).await }));
            self.since = Some(Instant::now());
        }
        if self.answer().is_none() {
            self.receive(FIRST).await;
        }
        if self.asking.is_some() && self.since.is_some_and(|since| since.elapsed() >= LIMIT) {
            return Some(failed("has not answered within 10 s"));
        }
        let unknown = || Throttle { stopped: true, reason: "`throttle_when` has not answered yet".to_owned() };
        self.answer().cloned().unwrap_or_else(|| Some(unknown()))
    }

    /// Returns the newest answer, unless it is old.
    fn answer(&self) -> Option<&Option<Throttle>> {
        self.newest.as_ref().filter(|(at, _)| at.elapsed() < OLD).map(|(_, answer)| answer)
    }

    async fn receive(&mut self, patience: Duration) {
        let Some(asking) = &mut self.asking else { return };
        if let Ok(answered) = timeout(patience, asking).await {
            self.asking = None;
            self.newest = Some((Instant::now(), throttle(answered)));
        }
    }
}

fn throttle(answered: Result<Result<Option<String>, BoxError>, JoinError>) -> Option<Throttle> {
    match answered {
        Ok(Ok(reason)) => reason.map(|reason| {
            let mut reason = reason.replace(char::is_control, " ");
            shorten(&mut reason);
            Throttle { stopped: true, reason }
        }),
        Ok(Err(error)) => {
            // Not in the reason, because it may quote documents, and anybody may see that.
            tracing::debug!(error = readable(&*error), "`throttle_when` failed");
            Some(failed("failed; the debug log has the error"))
        }
        Err(_) => Some(failed("panicked")),
    }
}

/// It is not known whether to wait, so the work is slowed.
fn failed(how: &str) -> Throttle {
    Throttle { stopped: false, reason: format!("`throttle_when` {how}") }
}
