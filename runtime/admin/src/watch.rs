//! What happens to a database, for those who watch: one poller in this process, however many watch.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mongodb::bson::Uuid;
use mongrate::events::Event;
use mongrate::migration::Direction;
use mongrate::{Error, Migrator};
use serde_json::{Value, json};
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::backfills;
use crate::etag::ETag;
use crate::problem::{Problem, value};
use crate::runs::Runner;

/// How many streams of events a process serves at once.
pub(crate) const STREAMS: usize = 64;

/// How often lease and records are read while somebody watches.
const EVERY: Duration = Duration::from_secs(2);

/// A body may make thousands of operations.
const BETWEEN_OPERATIONS: Duration = Duration::from_millis(250);

/// The messages that are kept for viewers that come back, and how far a viewer may lag behind.
const KEPT: usize = 256;

/// Watches one database. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    migrator: Migrator,
    sender: Sender<Arc<Message>>,
    /// Distinguishes the messages of this process from those of another.
    origin: String,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    count: u64,
    /// Oldest first.
    kept: VecDeque<Arc<Message>>,
    /// The newest state.
    state: Option<Value>,
    viewers: usize,
    is_polling: bool,
    is_closed: bool,
}

/// A message to the viewers.
#[derive(Debug)]
pub(crate) struct Message {
    /// `<origin>-<number>`.
    pub(crate) id: String,
    number: u64,
    /// `state`, `step`, `operation`, `tenants` or `gone`.
    pub(crate) kind: &'static str,
    pub(crate) data: Value,
}

/// A viewer, until it is dropped.
#[derive(Debug)]
pub(crate) struct Viewer {
    watch: Watch,
    /// The id of the newest message when it began.
    pub(crate) latest: String,
    /// What it missed, oldest first.
    pub(crate) missed: VecDeque<Arc<Message>>,
    pub(crate) receiver: Receiver<Arc<Message>>,
}

impl Watch {
    pub(crate) fn new(migrator: &Migrator) -> Self {
        let origin = Uuid::new().to_string()[..8].to_owned();
        Self(Arc::new(Inner { migrator: migrator.clone(), sender: channel(KEPT).0, origin, log: Mutex::default() }))
    }

    /// Begins to watch. `last` is the id of the last message that the viewer got, if it comes back. `None` after
    /// [`close`](Self::close).
    pub(crate) fn view(&self, last: Option<&str>) -> Option<Viewer> {
        self.with(|log| {
            if log.is_closed {
                return None;
            }
            log.viewers += 1;
            if !log.is_polling {
                log.is_polling = true;
                tokio::spawn(self.clone().poll());
            }
            let missed = log.missed(last.and_then(|last| self.number(last)));
            let latest = self.id(log.count);
            Some(Viewer { watch: self.clone(), latest, missed, receiver: self.0.sender.subscribe() })
        })
    }

    /// Returns whether nobody watches.
    pub(crate) fn is_idle(&self) -> bool {
        self.with(|log| log.viewers == 0)
    }

    /// Ends all streams, and refuses new ones.
    pub(crate) fn close(&self) {
        self.with(|log| log.is_closed = true);
        self.send("gone", json!({}));
    }

    /// Sends that something has changed in the database of a tenant.
    pub(crate) fn tenants_changed(&self) {
        self.send("tenants", json!({}));
    }

    async fn poll(self) {
        let mut events = self.0.migrator.events();
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut follower = Follower::default();
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    if self.ends() {
                        return;
                    }
                    let state = state(&self.0.migrator).await;
                    let state = state.unwrap_or_else(|error| json!({ "error": value(&Problem::from(&error)) }));
                    self.publish(state);
                }
                Some(event) = events.next() => {
                    if let Some((kind, data)) = follower.message(event) {
                        self.send(kind, data);
                    }
                }
            }
        }
    }

    /// Returns whether nobody watches any more, so that polling ends.
    fn ends(&self) -> bool {
        self.with(|log| {
            log.is_polling = log.viewers > 0 && !log.is_closed;
            !log.is_polling
        })
    }

    /// Sends the state if it has changed, perhaps while nobody watched.
    fn publish(&self, state: Value) {
        let has_changed = self.with(|log| log.state.replace(state.clone()).as_ref() != Some(&state));
        if has_changed {
            self.send("state", state);
        }
    }

    fn send(&self, kind: &'static str, data: Value) {
        self.with(|log| {
            log.count += 1;
            let message = Arc::new(Message { id: self.id(log.count), number: log.count, kind, data });
            if log.kept.len() == KEPT {
                log.kept.pop_front();
            }
            log.kept.push_back(message.clone());
            // An error means that nobody watches.
            let _ = self.0.sender.send(message);
        });
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.0.origin)
    }

    /// The number of a message of this process.
    fn number(&self, id: &str) -> Option<u64> {
        let (origin, number) = id.split_once('-')?;
        number.parse().ok().filter(|_| origin == self.0.origin)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Log) -> T) -> T {
        f(&mut self.0.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Log {
    /// What came after a message. All of it if the number is known, else the newest state.
    fn missed(&self, last: Option<u64>) -> VecDeque<Arc<Message>> {
        let first = self.kept.front().map_or(u64::MAX, |message| message.number);
        match last.filter(|last| last.saturating_add(1) >= first) {
            Some(last) => self.kept.iter().filter(|message| message.number > last).cloned().collect(),
            None => self.kept.iter().rfind(|message| message.kind == "state").cloned().into_iter().collect(),
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.watch.with(|log| log.viewers -= 1);
    }
}

/// Makes messages from the events of this process.
#[derive(Debug, Default)]
struct Follower {
    run: Option<i64>,
    operations: u64,
    last_operation: Option<Instant>,
}

impl Follower {
    fn message(&mut self, event: Event) -> Option<(&'static str, Value)> {
        let (migration, direction, outcome, duration) = match event {
            Event::Acquired { token } => {
                self.run = Some(token);
                return None;
            }
            Event::Operation { migration, operation } => {
                self.operations += 1;
                if self.last_operation.is_some_and(|last| last.elapsed() < BETWEEN_OPERATIONS) {
                    return None;
                }
                self.last_operation = Some(Instant::now());
                let (id, operation) = (migration.id(), operation.to_string());
                let data = json!({ "run": self.run, "id": id, "operation": operation, "count": self.operations });
                return Some(("operation", data));
            }
            Event::Started { migration, direction } => {
                (self.operations, self.last_operation) = (0, None);
                (migration, direction, "started", None)
            }
            Event::Finished { migration, direction: Direction::Up, duration } => {
                (migration, Direction::Up, "applied", Some(duration))
            }
            Event::Finished { migration, direction, duration } => (migration, direction, "reverted", Some(duration)),
            Event::Failed { migration, direction, duration, .. } => (migration, direction, "failed", Some(duration)),
            Event::Stopped { migration, direction } => (migration, direction, "stopped", None),
            _ => return None,
        };
        let data = json!({
            "run": self.run, "id": migration.id(), "direction": direction.to_string(), "outcome": outcome,
            "durationMs": duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        });
        Some(("step", data))
    }
}

/// What a viewer needs to know whether to read again.
async fn state(migrator: &Migrator) -> Result<Value, Error> {
    let status = migrator.status().await?;
    let backfills = backfills::read(migrator, &status).await?;
    Ok(json!({
        "tag": ETag::of_status(&status).to_string(),
        "backfills": ETag::of_backfills(&backfills).to_string(),
        "pending": status.pending().count(),
        "failed": status.failed().count(),
        "completed": status.completed().count(),
        "holder": status.holder().map(Runner::from),
    }))
}
