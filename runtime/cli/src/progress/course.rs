//! The course of a run, as its events tell it.

use std::fmt;
use std::time::{Duration, Instant};

use mongrate::display::{Elapsed, plural};
use mongrate::events::Event;
use mongrate::migration::{Direction, Migration};
use mongrate::record::Holder;
use mongrate::report::Operation;

/// Where a run is.
#[derive(Debug)]
pub(super) struct Course {
    /// Qualified ids in plan order.
    planned: Vec<&'static str>,
    pub(super) now: Now,
}

/// What is under way.
#[derive(Debug)]
pub(super) enum Now {
    /// Nothing of which there would be more to say.
    Other { since: Instant },
    /// Somebody else's run.
    Waiting { holder: Box<Holder>, since: Instant },
    /// A step of the plan.
    Running(Running),
}

/// A step that is under way.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) migration: Migration,
    direction: Direction,
    pub(super) since: Instant,
    pub(super) place: Place,
    last: Option<Operation>,
    operations: u64,
}

/// The place of a step in the plan: `3/14`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    number: usize,
    total: usize,
}

/// A step that is over.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) migration: Migration,
    direction: Direction,
    pub(super) took: Duration,
    pub(super) place: Place,
    /// Why it failed, if it did.
    pub(super) failure: Option<String>,
}

impl Course {
    pub(super) fn new(at: Instant) -> Self {
        Self { planned: Vec::new(), now: Now::Other { since: at } }
    }

    /// Takes notice of an event, and gives the step that it ended. One that was told to stop is not among those: what is left
    /// of it, only the report knows.
    pub(super) fn heed(&mut self, event: &Event, at: Instant) -> Option<Ended> {
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
                let (migration, direction, place) = (*migration, *direction, self.place(*migration));
                self.now = Now::Running(Running { migration, direction, since: at, place, last: None, operations: 0 });
            }
            Event::Operation { operation, .. } => {
                if let Now::Running(running) = &mut self.now {
                    running.last = Some(operation.clone());
                    running.operations += 1;
                }
            }
            Event::Finished { migration, direction, duration } => {
                return Some(self.ended(*migration, *direction, *duration, None, at));
            }
            Event::Failed { migration, direction, message, duration } => {
                return Some(self.ended(*migration, *direction, *duration, Some(message.clone()), at));
            }
            // Stopped, or ended.
            _ => self.now = Now::Other { since: at },
        }
        None
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
        Ended { migration, direction, took, place: self.place(migration), failure }
    }

    /// Whether it is known what there is to do.
    pub(super) fn is_planned(&self) -> bool {
        !self.planned.is_empty()
    }

    fn place(&self, migration: Migration) -> Place {
        let before = self.planned.iter().position(|id| *id == migration.id());
        Place { number: before.map_or(0, |before| before + 1), total: self.planned.len() }
    }
}

impl Running {
    /// What is being done to it.
    pub(super) fn word(&self) -> &'static str {
        match self.direction {
            Direction::Up => "applying",
            Direction::Down => "reverting",
        }
    }

    /// What its body did last: `users: update_one, 1 matched (4,812 operations)`. Of a body with a raw handle, nobody knows.
    pub(super) fn last(&self) -> Option<String> {
        let last = self.last.as_ref()?;
        Some(match self.operations {
            1 => last.to_string(),
            operations => format!("{last} ({})", plural(operations, "operation")),
        })
    }

    /// For how long it has been running.
    pub(super) fn elapsed(&self, at: Instant) -> Elapsed {
        Elapsed(at.saturating_duration_since(self.since))
    }
}

impl Ended {
    /// In a word of eight letters at most.
    pub(super) fn word(&self) -> &'static str {
        match (&self.failure, self.direction) {
            (Some(_), _) => "failed",
            (None, Direction::Up) => "applied",
            (None, Direction::Down) => "reverted",
        }
    }

    /// The qualified id; of one that could not be reverted, `down` before it.
    pub(super) fn what(&self) -> String {
        let down = if self.failure.is_some() && self.direction == Direction::Down { "down " } else { "" };
        format!("{down}{}", self.migration.id())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, total } = self;
        let digits = if f.alternate() { total.to_string().len() } else { 0 };
        write!(f, "{number:>digits$}/{total}")
    }
}
