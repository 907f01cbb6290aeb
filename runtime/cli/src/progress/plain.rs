//! Progress for a log: a line for each finished step, and now and then one for a step that takes long.

use std::time::{Duration, Instant};

use mongrate::display::Elapsed;
use mongrate::events::Event;
use mongrate::record::Holder;

use super::course::{Course, Ended, Now, Running};
use crate::ink::{GREEN, RED};

/// When a running step is logged for the first time, and the interval after that.
const FIRST_REMINDER: Duration = Duration::from_secs(10);
const REMINDER_INTERVAL: Duration = Duration::from_secs(30);

/// How long an interrupted run may take to stop before that is logged.
const STOP_DELAY: Duration = Duration::from_secs(2);

/// Progress as plain lines, in the log of a CI job or in a file.
#[derive(Debug)]
pub(super) struct Plain {
    course: Course,
    /// When the current step is logged again.
    due: Option<Instant>,
    stopping: Stopping,
}

/// Whether the run was interrupted.
#[derive(Debug)]
enum Stopping {
    No,
    Since(Instant),
    /// It was logged.
    Logged,
}

impl Plain {
    pub(super) fn new(at: Instant) -> Self {
        Self { course: Course::new(at), due: None, stopping: Stopping::No }
    }

    /// Returns the line for an event.
    pub(super) fn on_event(&mut self, event: &Event, at: Instant) -> Option<String> {
        let ended = self.course.on_event(event, at);
        match &self.course.now {
            Now::Running(running) => {
                // Operations do not postpone it, or a body that does thousands would never be logged.
                self.due = self.due.or(Some(running.since + FIRST_REMINDER));
            }
            Now::Waiting { holder, since } => return Some(waiting(holder, at.saturating_duration_since(*since))),
            Now::Other { .. } => self.due = None,
        }
        ended.as_ref().map(finished)
    }

    /// Returns the line that is due.
    pub(super) fn tick(&mut self, at: Instant, stopping: bool) -> Option<String> {
        match self.stopping {
            Stopping::No if stopping => self.stopping = Stopping::Since(at),
            Stopping::Since(since) if at >= since + STOP_DELAY => {
                self.stopping = Stopping::Logged;
                return Some("stopping; waiting for the current operation".to_owned());
            }
            _ => {}
        }
        let Now::Running(running) = &self.course.now else { return None };
        if self.due.is_none_or(|due| at < due) {
            return None;
        }
        self.due = Some(at + REMINDER_INTERVAL);
        Some(reminder(running, at))
    }
}

fn finished(ended: &Ended) -> String {
    let Ended { took, position, failure, .. } = ended;
    let (word, what, took) = (format!("{:<8}", ended.word()), ended.what(), Elapsed(*took));
    match failure {
        Some(message) => format!("{} {what} after {took} ({position}): {message}", RED.paint(word)),
        None => format!("{} {what} in {took} ({position})", GREEN.paint(word)),
    }
}

fn waiting(holder: &Holder, waited: Duration) -> String {
    match waited.as_secs() {
        0 => format!("waiting for {holder}"),
        seconds => format!("waiting for {}: {holder}", Elapsed(Duration::from_secs(seconds))),
    }
}

fn reminder(running: &Running, at: Instant) -> String {
    let (word, id, elapsed) = (running.word(), running.migration.id(), running.elapsed(at));
    let position = running.position;
    let position = if position.is_known() { format!(" ({position})") } else { String::new() };
    let last = running.last().map(|last| format!(", last {last}")).unwrap_or_default();
    format!("{word} {id} for {elapsed}{position}{last}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{failed, finished, holder, planned, started, updated};
    use mongodb::bson::DateTime;
    use mongrate::migration::Direction;

    /// Removes colors, which the tests have on a terminal.
    fn plain_text(line: Option<String>) -> Option<String> {
        line.map(|line| crate::ink::rendered(&line, false))
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn each_finished_step_has_one_line() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        let (begun, first, second) = planned();
        assert_eq!(plain.on_event(&begun, start), None);
        assert_eq!(plain.on_event(&started(first), start), None);
        assert_eq!(plain.on_event(&updated(first, 3), start), None);
        assert_eq!(
            plain_text(plain.on_event(&finished(first, Direction::Up), start)).unwrap(),
            "applied  001_step in 12 ms (1/12)"
        );
        plain.on_event(&started(second), start);
        let line = plain_text(plain.on_event(&failed(second, Direction::Up), start)).unwrap();
        assert_eq!(line, "failed   002_step after 2.0 s (2/12): the disk is full");
        assert_eq!(plain.on_event(&Event::Ended { token: None }, start), None);
        assert_eq!(plain.on_event(&Event::Missed { count: 3 }, start), None);
    }

    #[test]
    fn reverted_steps_are_logged() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        let (begun, first, _) = planned();
        plain.on_event(&begun, start);
        assert_eq!(
            plain_text(plain.on_event(&finished(first, Direction::Down), start)).unwrap(),
            "reverted 001_step in 12 ms (1/12)"
        );
        let line = plain_text(plain.on_event(&failed(first, Direction::Down), start)).unwrap();
        assert_eq!(line, "failed   down 001_step after 2.0 s (1/12): the disk is full");
    }

    #[test]
    fn a_long_step_is_logged_again() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        let (begun, first, second) = planned();
        plain.on_event(&begun, start);
        plain.on_event(&started(first), start);
        assert_eq!(plain.tick(after(start, 9), false), None);
        assert_eq!(plain_text(plain.tick(after(start, 10), false)).unwrap(), "applying 001_step for 10.0 s (1/12)");
        plain.on_event(&updated(first, 4_000), after(start, 20));
        plain.on_event(&updated(first, 812), after(start, 30));
        assert_eq!(plain.tick(after(start, 39), false), None);
        assert_eq!(
            plain_text(plain.tick(after(start, 40), false)).unwrap(),
            "applying 001_step for 40.0 s (1/12), last users: update_many, 812 matched (2 operations)"
        );
        assert_eq!(plain.tick(after(start, 69), false), None);
        assert!(plain_text(plain.tick(after(start, 70), false)).unwrap().contains("for 1 min 10 s"));

        plain.on_event(&finished(first, Direction::Up), after(start, 71));
        assert_eq!(plain.tick(after(start, 200), false), None);
        plain.on_event(&started(second), after(start, 200));
        assert_eq!(plain.tick(after(start, 209), false), None);
        assert_eq!(plain_text(plain.tick(after(start, 210), false)).unwrap(), "applying 002_step for 10.0 s (2/12)");
    }

    #[test]
    fn waiting_shows_the_holder_and_the_time() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        let waiting = Event::Waiting { holder: Box::new(holder(12)), since: DateTime::now() };
        let line = plain_text(plain.on_event(&waiting, start)).unwrap();
        assert!(line.starts_with("waiting for process 12 on host-a (by deploy)"), "{line}");
        let line = plain_text(plain.on_event(&waiting, after(start, 90))).unwrap();
        assert!(line.starts_with("waiting for 1 min 30 s: process 12 on host-a (by deploy)"), "{line}");
        // The run itself has not begun.
        assert_eq!(plain.tick(after(start, 100), false), None);
    }

    #[test]
    fn an_interrupted_run_that_does_not_stop_is_logged() {
        let start = Instant::now();
        let mut plain = Plain::new(start);
        plain.on_event(&started(planned().1), start);
        assert_eq!(plain.tick(start, true), None);
        assert_eq!(plain.tick(after(start, 1), true), None);
        assert_eq!(
            plain_text(plain.tick(after(start, 2), true)).unwrap(),
            "stopping; waiting for the current operation"
        );
        assert_eq!(plain.tick(after(start, 3), true), None);
    }
}
