//! Progress for a log: one line for each thing that matters, and a sign of life from what takes long.

use std::time::{Duration, Instant};

use super::course::{Course, Ended, Now, Running};
use crate::ink::{GREEN, RED};
use mongrate::display::Elapsed;
use mongrate::events::Event;
use mongrate::record::Holder;

/// When a step says for the first time, and how often then, that it is still running.
const FIRST_SIGN: Duration = Duration::from_secs(10);
const NEXT_SIGN: Duration = Duration::from_secs(30);

/// How long a run that was told to stop may take to do so before it says why it is still there.
const SHORT: Duration = Duration::from_secs(2);

/// The same lines wherever they are read: in the log of a CI job, in a file.
#[derive(Debug)]
pub(super) struct Plain {
    course: Course,
    /// When the step under way gives a sign of life.
    due: Option<Instant>,
    stopping: Stopping,
}

/// Whether the run was told to stop.
#[derive(Debug)]
enum Stopping {
    No,
    Since(Instant),
    /// And that was said.
    Said,
}

impl Plain {
    pub(super) fn new(at: Instant) -> Self {
        Self { course: Course::new(at), due: None, stopping: Stopping::No }
    }

    /// What an event makes worth saying.
    pub(super) fn heed(&mut self, event: &Event, at: Instant) -> Option<String> {
        let ended = self.course.heed(event, at);
        match &self.course.now {
            Now::Running(running) => {
                // Operations do not put it off: a body that does thousands would never say anything.
                self.due = self.due.or(Some(running.since + FIRST_SIGN));
            }
            Now::Waiting { holder, since } => return Some(waiting(holder, at.saturating_duration_since(*since))),
            Now::Other { .. } => self.due = None,
        }
        ended.as_ref().map(over)
    }

    /// What the time makes worth saying.
    pub(super) fn tick(&mut self, at: Instant, stopping: bool) -> Option<String> {
        match self.stopping {
            Stopping::No if stopping => self.stopping = Stopping::Since(at),
            Stopping::Since(since) if at >= since + SHORT => {
                self.stopping = Stopping::Said;
                return Some("told to stop; ending what is under way".to_owned());
            }
            _ => {}
        }
        let Now::Running(running) = &self.course.now else { return None };
        if self.due.is_none_or(|due| at < due) {
            return None;
        }
        self.due = Some(at + NEXT_SIGN);
        Some(alive(running, at))
    }
}

fn over(ended: &Ended) -> String {
    let Ended { took, place, failure, .. } = ended;
    let (word, what, took) = (format!("{:<8}", ended.word()), ended.what(), Elapsed(*took));
    match failure {
        Some(message) => format!("{} {what} after {took} ({place}): {message}", RED.paint(word)),
        None => format!("{} {what} in {took} ({place})", GREEN.paint(word)),
    }
}

fn waiting(holder: &Holder, waited: Duration) -> String {
    match waited.as_secs() {
        0 => format!("waiting for {holder}"),
        seconds => format!("waiting for {}: {holder}", Elapsed(Duration::from_secs(seconds))),
    }
}

fn alive(running: &Running, at: Instant) -> String {
    let (word, id, place, elapsed) = (running.word(), running.migration.id(), running.place, running.elapsed(at));
    let last = running.last().map(|last| format!(", last {last}")).unwrap_or_default();
    format!("{word} {id} for {elapsed} ({place}){last}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{failed, finished, holder, planned, started, updated};
    use mongodb::bson::DateTime;
    use mongrate::migration::Direction;

    /// Without colours, which there are if the tests run on a terminal.
    fn said(line: Option<String>) -> Option<String> {
        line.map(|line| crate::ink::rendered(&line, false))
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn one_line_for_each_step_that_is_over() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        let (begun, first, second) = planned();
        assert_eq!(plain.heed(&begun, start), None);
        assert_eq!(plain.heed(&started(first), start), None);
        assert_eq!(plain.heed(&updated(first, 3), start), None);
        assert_eq!(
            said(plain.heed(&finished(first, Direction::Up), start)).unwrap(),
            "applied  001_step in 12 ms (1/12)"
        );
        plain.heed(&started(second), start);
        let line = said(plain.heed(&failed(second, Direction::Up), start)).unwrap();
        assert_eq!(line, "failed   002_step after 2.0 s (2/12): the disk is full");
        assert_eq!(plain.heed(&Event::Ended, start), None);
    }

    #[test]
    fn what_is_reverted_says_so() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        let (begun, first, _) = planned();
        plain.heed(&begun, start);
        assert_eq!(
            said(plain.heed(&finished(first, Direction::Down), start)).unwrap(),
            "reverted 001_step in 12 ms (1/12)"
        );
        let line = said(plain.heed(&failed(first, Direction::Down), start)).unwrap();
        assert_eq!(line, "failed   down 001_step after 2.0 s (1/12): the disk is full");
    }

    #[test]
    fn a_long_step_gives_a_sign_of_life() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        let (begun, first, second) = planned();
        plain.heed(&begun, start);
        plain.heed(&started(first), start);
        assert_eq!(plain.tick(after(start, 9), false), None);
        assert_eq!(said(plain.tick(after(start, 10), false)).unwrap(), "applying 001_step for 10.0 s (1/12)");
        plain.heed(&updated(first, 4_000), after(start, 20));
        plain.heed(&updated(first, 812), after(start, 30));
        assert_eq!(plain.tick(after(start, 39), false), None);
        assert_eq!(
            said(plain.tick(after(start, 40), false)).unwrap(),
            "applying 001_step for 40.0 s (1/12), last users: update_many, 812 matched (2 operations)"
        );
        assert_eq!(plain.tick(after(start, 69), false), None);
        assert!(said(plain.tick(after(start, 70), false)).unwrap().contains("for 1 min 10 s"));

        plain.heed(&finished(first, Direction::Up), after(start, 71));
        assert_eq!(plain.tick(after(start, 200), false), None);
        plain.heed(&started(second), after(start, 200));
        assert_eq!(plain.tick(after(start, 209), false), None);
        assert_eq!(said(plain.tick(after(start, 210), false)).unwrap(), "applying 002_step for 10.0 s (2/12)");
    }

    #[test]
    fn whoever_waits_says_for_whom_and_for_how_long() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        let waiting = Event::Waiting { holder: Box::new(holder(12)), since: DateTime::now() };
        let line = said(plain.heed(&waiting, start)).unwrap();
        assert!(line.starts_with("waiting for process 12 on host-a (by deploy)"), "{line}");
        let line = said(plain.heed(&waiting, after(start, 90))).unwrap();
        assert!(line.starts_with("waiting for 1 min 30 s: process 12 on host-a (by deploy)"), "{line}");
        // The run itself has not begun.
        assert_eq!(plain.tick(after(start, 100), false), None);
    }

    #[test]
    fn what_was_told_to_stop_and_cannot_at_once_says_so() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        plain.heed(&started(planned().1), start);
        assert_eq!(plain.tick(start, true), None);
        assert_eq!(plain.tick(after(start, 1), true), None);
        assert_eq!(said(plain.tick(after(start, 2), true)).unwrap(), "told to stop; ending what is under way");
        assert_eq!(plain.tick(after(start, 3), true), None);
    }
}
