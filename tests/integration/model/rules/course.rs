//! What a deed does, moment by moment.

use std::collections::BTreeSet;

use mongrate::history::Act;
use mongrate::migration::Direction;
use mongrate::record::RecordStatus;
use mongrate_tests::drawn::{Deed, Runs};

use super::Rules;
use crate::model::state::{Entry, Stored, World};

/// The worlds from before a deed until after it: whatever can be found when it is cut off.
pub(super) struct Course {
    pub(super) worlds: Vec<World>,
    pub(super) answer: String,
}

/// What is told of a deed that was not refused.
#[derive(Default)]
struct Done {
    applied: Vec<usize>,
    reverted: Vec<usize>,
    failed: Vec<usize>,
    left: Vec<usize>,
    amended: Vec<usize>,
}

impl Course {
    pub(super) fn refused(world: &World, answer: String) -> Self {
        Self { worlds: vec![world.clone()], answer }
    }

    /// A lease is taken only where there is something to do, and then something is written.
    pub(super) fn leases(&self) -> i64 {
        i64::from(self.worlds.len() > 1)
    }

    fn next(&mut self, change: impl FnOnce(&mut World)) {
        let mut world = self.worlds.last().unwrap().clone();
        change(&mut world);
        self.worlds.push(world);
    }
}

impl Rules<'_> {
    pub(super) fn course(&self, world: &World, deed: &Deed) -> Course {
        let todo = match self.todo(world, deed) {
            Ok(todo) => todo,
            Err(answer) => return Course::refused(world, answer),
        };
        let mut course = Course { worlds: vec![world.clone()], answer: String::new() };
        let done = match deed {
            Deed::Up { go_on, .. } => self.steps(&mut course, todo, true, *go_on),
            Deed::Down { .. } => self.steps(&mut course, todo, false, false),
            _ => {
                if !todo.is_empty() {
                    course.next(|world| {
                        for &place in &todo {
                            world.note_interrupted(place);
                        }
                        for &place in &todo {
                            self.amend(world, deed, place);
                        }
                    });
                }
                Done { amended: todo, ..Done::default() }
            }
        };
        course.answer = self.told(done);
        course
    }

    fn told(&self, done: Done) -> String {
        let Done { applied, reverted, failed, left, amended } = done;
        format!(
            "applied [{}] reverted [{}] failed [{}] left [{}] amended [{}]",
            self.ids(applied),
            self.ids(reverted),
            self.ids(failed),
            self.ids(left),
            self.ids(amended)
        )
    }

    fn steps(&self, course: &mut Course, todo: Vec<usize>, up: bool, go_on: bool) -> Done {
        let batch = course.worlds[0].next_batch();
        let (mut done, mut held_up, mut over) = (Done::default(), BTreeSet::new(), false);
        for place in todo {
            if over || held_up.contains(&place) {
                done.left.push(place);
                continue;
            }
            let fails = if up { self.apply(course, place, batch) } else { self.revert(course, place) };
            if fails {
                held_up.extend(self.downstream([place]));
                over = !go_on;
                done.failed.push(place);
            } else if up {
                done.applied.push(place);
            } else {
                done.reverted.push(place);
            }
        }
        done
    }

    /// Returns whether it fails.
    fn apply(&self, course: &mut Course, place: usize, batch: i64) -> bool {
        let world = course.worlds.last().unwrap();
        let before = world.records.get(&place).cloned();
        let refused = self.has_reverted_operations(world, place);
        let (runs, version) = (self.drawing.0[place].up, self.drawing.0[place].version);
        let fails = refused || self.failing == Some(place);
        let attempts = before.as_ref().map_or(0, |record| record.attempts) + 1;
        let record = |status| Stored {
            status,
            direction: Direction::Up,
            batch,
            attempts,
            version,
            has_error: status == RecordStatus::Failed,
        };
        let status = if fails { RecordStatus::Failed } else { RecordStatus::Completed };
        let after = match before {
            // Refused or rolled back, so it is as partially reverted as before.
            Some(before) if refused || fails && runs == Runs::Tx && before.is_half_reverted() => {
                Stored { status, attempts, has_error: true, ..before }
            }
            _ => record(status),
        };
        let entry = Entry {
            act: Act::Up,
            place: Some(place),
            status: Some(status),
            batch: Some(batch),
            attempts,
            version: Some(version),
            has_error: fails,
        };
        let running = (runs != Runs::Tx && !refused).then(|| record(RecordStatus::Running));
        step(course, place, runs, running, after, entry);
        fails
    }

    /// Whether a `down` that has not ended has reverted operations of a `Schema` body, which must then not run.
    fn has_reverted_operations(&self, world: &World, place: usize) -> bool {
        let both = self.drawing.0[place].up == Runs::Schema && self.drawing.0[place].down == Some(Runs::Schema);
        let half = world.records.get(&place).is_some_and(Stored::is_half_reverted);
        both && half && !world.shelf.contains(&place)
    }

    /// Returns whether it fails.
    fn revert(&self, course: &mut Course, place: usize) -> bool {
        let before = course.worlds.last().unwrap().records[&place].clone();
        let fails = self.failing == Some(place);
        let attempts = before.attempts + 1;
        // A plan has nothing irreversible.
        let runs = self.drawing.0[place].down.unwrap();
        let record = |status| Stored {
            status,
            direction: Direction::Down,
            attempts,
            has_error: status == RecordStatus::Failed,
            ..before.clone()
        };
        let status = if fails { RecordStatus::Failed } else { RecordStatus::RolledBack };
        let after = if fails && runs == Runs::Tx {
            Stored { attempts, has_error: true, ..before.clone() }
        } else {
            record(status)
        };
        let entry = Entry {
            act: Act::Down,
            place: Some(place),
            status: Some(status),
            batch: Some(before.batch),
            attempts,
            version: Some(self.drawing.0[place].version),
            has_error: fails,
        };
        let running = (runs != Runs::Tx).then(|| record(RecordStatus::Running));
        step(course, place, runs, running, after, entry);
        fails
    }

    fn amend(&self, world: &mut World, deed: &Deed, place: usize) {
        let (version, attempts) = (self.drawing.0[place].version, world.attempts(place));
        let marked = || Stored {
            status: RecordStatus::Completed,
            direction: Direction::Up,
            batch: 0,
            attempts,
            version,
            has_error: false,
        };
        let before = world.records.remove(&place);
        let (act, after) = match (deed, before.clone()) {
            (Deed::MarkPending(_), Some(before)) => {
                (Act::MarkPending, Some(Stored { status: RecordStatus::RolledBack, has_error: false, ..before }))
            }
            (Deed::Accept(_), Some(before)) => (Act::Accept, Some(Stored { version, has_error: false, ..before })),
            (Deed::Prune(_), Some(_)) => (Act::Prune, None),
            (Deed::Baseline(_), _) => (Act::Baseline, Some(marked())),
            _ => (Act::MarkApplied, Some(marked())),
        };
        let left = after.clone().or(before).unwrap();
        world.history.push(Entry {
            act,
            place: Some(place),
            status: after.as_ref().map(|record| record.status),
            batch: Some(left.batch),
            attempts,
            version: Some(left.version),
            has_error: false,
        });
        world.records.extend(after.map(|record| (place, record)));
    }
}

/// One execution: at once, or bit by bit if a record says that it is running.
fn step(course: &mut Course, place: usize, runs: Runs, running: Option<Stored>, after: Stored, entry: Entry) {
    let (up, at_once) = (entry.act == Act::Up, running.is_none());
    if let Some(running) = running {
        course.next(|world| {
            world.note_interrupted(place);
            world.records.insert(place, running);
        });
        course.next(|world| effect(world, place, runs, up));
    }
    course.next(|world| {
        if at_once {
            world.note_interrupted(place);
            if !entry.has_error {
                effect(world, place, runs, up);
            }
        }
        world.records.insert(place, after);
        world.history.push(entry);
    });
}

/// What a body does before it may be told to fail.
fn effect(world: &mut World, place: usize, runs: Runs, up: bool) {
    match (runs, up) {
        (Runs::Tx | Runs::Raw, _) => *world.ledger.entry((place, up)).or_default() += 1,
        (Runs::Schema, true) => drop(world.shelf.insert(place)),
        (Runs::Schema, false) => drop(world.shelf.remove(&place)),
    }
}
