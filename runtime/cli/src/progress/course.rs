//! The state of a run, derived from its events.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use mongrate::display::{Count, Elapsed, plural};
use mongrate::events::Event;
use mongrate::migration::{Direction, Kind, Migration};
use mongrate::record::Holder;
use mongrate::report::Operation;

/// The state of a run.
#[derive(Debug)]
pub(super) struct Course {
    /// Qualified ids in plan order.
    planned: Vec<&'static str>,
    /// When each step began, and its direction. Several backfills go on at the same time.
    began: HashMap<&'static str, (Instant, Direction)>,
    /// Why backfills are not at their pace.
    holds: HashMap<&'static str, String>,
    pub(super) now: Now,
}

/// The current activity.
#[derive(Debug)]
pub(super) enum Now {
    /// Anything else.
    Other { since: Instant },
    /// Waiting for another run.
    Waiting { holder: Box<Holder>, since: Instant },
    /// A step of the plan.
    Running(Box<Running>),
}

/// The current step.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) migration: Migration,
    direction: Direction,
    pub(super) since: Instant,
    pub(super) position: Position,
    last: Option<Operation>,
    operations: u64,
    /// The done part and the total, of a backfill or as reported by a body with a raw handle.
    progress: Option<(u64, Option<u64>)>,
    /// Why it is not at its pace.
    hold: Option<String>,
}

/// The position of a step in the plan: `3/14`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    number: usize,
    total: usize,
}

/// A finished step.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) migration: Migration,
    direction: Direction,
    pub(super) took: Duration,
    pub(super) position: Position,
    /// Why it failed, if it did.
    pub(super) failure: Option<String>,
}

impl Course {
    pub(super) fn new(at: Instant) -> Self {
        Self { planned: Vec::new(), began: HashMap::new(), holds: HashMap::new(), now: Now::Other { since: at } }
    }

    /// Updates the state. Returns the step that the event finished; not a stopped step, of which only the report knows the rest.
    pub(super) fn on_event(&mut self, event: &Event, at: Instant) -> Option<Ended> {
        match event {
            Event::Planned(plan) => {
                self.planned = plan.iter().map(|step| step.migration().id()).collect();
                self.now = Now::Other { since: at };
            }
            Event::Waiting { holder, .. } => {
                let since = if let Now::Waiting { since, .. } = self.now { since } else { at };
                self.now = Now::Waiting { holder: holder.clone(), since };
            }
            Event::Started { migration, direction } => {
                self.now = Now::Running(Box::new(self.running(*migration, *direction, at)));
            }
            Event::Operation { operation, .. } => {
                if let Now::Running(running) = &mut self.now {
                    running.last = Some(operation.clone());
                    running.operations += 1;
                }
            }
            Event::Progress { migration, done, total } => self.go_on(*migration, at).progress = Some((*done, *total)),
            Event::Paused { migration, by, because } => {
                let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                let because = because.as_ref().map(|because| format!(" ({because})")).unwrap_or_default();
                self.hold(*migration, Some(format!("paused{by}{because}")), at);
            }
            Event::Throttled { migration, stopped, reason } => {
                let word = if *stopped { "stopped" } else { "slowed" };
                self.hold(*migration, Some(format!("{word}: {reason}")), at);
            }
            Event::Resumed { migration } => self.hold(*migration, None, at),
            Event::Finished { migration, direction, duration } => {
                return Some(self.ended(*migration, *direction, *duration, None, at));
            }
            Event::Failed { migration, direction, message, duration } => {
                return Some(self.ended(*migration, *direction, *duration, Some(message.clone()), at));
            }
            // The report has what is missing.
            Event::Missed { .. } | Event::Skipped { .. } => {}
            // Acquired, stopped, or ended.
            _ => self.now = Now::Other { since: at },
        }
        None
    }

    /// The current step, which is this one from now on: several backfills go on at the same time.
    fn go_on(&mut self, migration: Migration, at: Instant) -> &mut Running {
        if !matches!(&self.now, Now::Running(running) if running.migration == migration) {
            let direction = self.began.get(migration.id()).map_or(Direction::Up, |(_, direction)| *direction);
            self.now = Now::Running(Box::new(self.running(migration, direction, at)));
        }
        match &mut self.now {
            Now::Running(running) => running,
            _ => unreachable!("it is running"),
        }
    }

    fn hold(&mut self, migration: Migration, hold: Option<String>, at: Instant) {
        match &hold {
            Some(hold) => drop(self.holds.insert(migration.id(), hold.clone())),
            None => drop(self.holds.remove(migration.id())),
        }
        self.go_on(migration, at).hold = hold;
    }

    fn running(&mut self, migration: Migration, direction: Direction, at: Instant) -> Running {
        let (since, _) = *self.began.entry(migration.id()).or_insert((at, direction));
        let (position, hold) = (self.position(migration), self.holds.get(migration.id()).cloned());
        Running { migration, direction, since, position, last: None, operations: 0, progress: None, hold }
    }

    fn ended(
        &mut self,
        migration: Migration,
        direction: Direction,
        took: Duration,
        failure: Option<String>,
        at: Instant,
    ) -> Ended {
        self.now = Now::Other { since: at };
        Ended { migration, direction, took, position: self.position(migration), failure }
    }

    /// Whether the plan is known.
    pub(super) fn is_planned(&self) -> bool {
        !self.planned.is_empty()
    }

    fn position(&self, migration: Migration) -> Position {
        let before = self.planned.iter().position(|id| *id == migration.id());
        Position { number: before.map_or(0, |before| before + 1), total: self.planned.len() }
    }
}

impl Running {
    /// The verb of the current step.
    pub(super) fn word(&self) -> &'static str {
        match self.direction {
            Direction::Up => "applying",
            Direction::Down => "reverting",
        }
    }

    /// The last operation of the body: `users: update_one, 1 matched (4,812 operations)`. For a body with a raw handle, its
    /// progress, if it reports any: `120,000 of 480,000 (25 %)`.
    pub(super) fn last(&self) -> Option<String> {
        match self.progress {
            Some((done, Some(total))) => {
                let documents = if self.migration.kind() == Kind::Backfill { " documents" } else { "" };
                let percent = done.saturating_mul(100).checked_div(total);
                let percent = percent.map(|percent| format!(" ({percent} %)")).unwrap_or_default();
                let hold = self.hold.as_ref().map(|hold| format!(", {hold}")).unwrap_or_default();
                return Some(format!("{} of {}{documents}{percent}{hold}", Count(done), Count(total)));
            }
            Some((done, None)) => return Some(format!("{} done", Count(done))),
            None => {}
        }
        let last = self.last.as_ref()?;
        Some(match self.operations {
            1 => last.to_string(),
            operations => format!("{last} ({})", plural(operations, "operation")),
        })
    }

    /// Time since the step began.
    pub(super) fn elapsed(&self, at: Instant) -> Elapsed {
        Elapsed(at.saturating_duration_since(self.since))
    }
}

impl Ended {
    /// The result, in at most eight letters.
    pub(super) fn word(&self) -> &'static str {
        match (&self.failure, self.direction) {
            (Some(_), _) => "failed",
            (None, Direction::Up) => "applied",
            (None, Direction::Down) => "reverted",
        }
    }

    /// The qualified id, after `down` if the migration could not be reverted.
    pub(super) fn what(&self) -> String {
        let down = if self.failure.is_some() && self.direction == Direction::Down { "down " } else { "" };
        format!("{down}{}", self.migration.id())
    }
}

impl Position {
    /// Whether the step is in the plan. A backfill that an earlier run has started is not.
    pub(super) fn is_known(self) -> bool {
        self.number > 0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, total } = self;
        let digits = if f.alternate() { total.to_string().len() } else { 0 };
        write!(f, "{number:>digits$}/{total}")
    }
}
