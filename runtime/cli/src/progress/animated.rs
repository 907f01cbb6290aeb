//! Progress on a terminal: an animated line below those of finished steps, removed in the end.

mod margin;

use std::time::Instant;

use console::{Emoji, Term};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mongrate::display::Elapsed;
use mongrate::events::Event;
use mongrate::record::Holder;

use self::margin::Margin;
use super::course::{Course, Ended, Now, Running};
use crate::ink::{DIM, GREEN, RED};
use crate::output::{Output, printed};

/// Frames of the spinner. The last one is shown when it has stopped.
const SPINNER: &str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ";
const PLAIN_SPINNER: &str = r"-\|/ ";

/// The animated line. Removed on drop, however the run has ended.
#[derive(Debug)]
pub(super) struct Animated {
    bar: ProgressBar,
    course: Course,
    /// Whether the line has been drawn; a short run has none.
    is_drawn: bool,
    /// Shown until the first event.
    beginning: &'static str,
}

impl Animated {
    pub(super) fn new(beginning: &'static str, at: Instant) -> Self {
        let terminal = Box::new(Margin(Term::buffered_stderr()));
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(terminal));
        let ticks = if Term::stderr().features().wants_emoji() { SPINNER } else { PLAIN_SPINNER };
        // Truncated to one line.
        let style = ProgressStyle::with_template("  {spinner} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()).tick_chars(ticks));
        Self { bar, course: Course::new(at), is_drawn: false, beginning }
    }

    pub(super) fn on_event(&mut self, event: &Event, at: Instant, output: Output) {
        match self.course.on_event(event, at) {
            Some(ended) if self.is_drawn => self.bar.suspend(|| output.remark(finished_line(&ended))),
            Some(ended) => output.remark(finished_line(&ended)),
            None => {}
        }
    }

    pub(super) fn tick(&mut self, at: Instant, stopping: bool) {
        self.is_drawn = true;
        let text = text(&self.course, self.beginning, at, stopping).replace('\n', " ");
        self.bar.set_message(printed(&text, false));
        self.bar.tick();
    }
}

impl Drop for Animated {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn finished_line(ended: &Ended) -> String {
    let Ended { took, position, failure, .. } = ended;
    let (word, what, took) = (ended.word(), ended.what(), Elapsed(*took));
    match failure {
        None => {
            let (tick, took) = (GREEN.paint(Emoji("✓", "+")), DIM.paint(took));
            format!("  {tick} [{position:#}] {word:<8} {what}  {took}")
        }
        Some(message) => {
            let (cross, word) = (RED.paint(Emoji("✗", "x")), RED.paint(format!("{word:<8}")));
            format!("  {cross} [{position:#}] {word} {what}  {}  {}", DIM.paint(took), RED.paint(message))
        }
    }
}

/// The text of the animated line.
fn text(course: &Course, beginning: &str, at: Instant, stopping: bool) -> String {
    let elapsed = |since: Instant| Elapsed(at.saturating_duration_since(since));
    match &course.now {
        Now::Other { since } if course.is_planned() => format!("finishing  {}", elapsed(*since)),
        Now::Other { since } => format!("{beginning}  {}", elapsed(*since)),
        Now::Waiting { holder, since } => waiting(holder, &elapsed(*since)),
        Now::Running(step) => running(step, at, stopping),
    }
}

fn waiting(holder: &Holder, waited: &Elapsed) -> String {
    let mut known = Vec::new();
    known.extend(holder.actor.as_ref().map(|actor| format!("by {actor}")));
    known.extend(holder.current.as_ref().map(|id| format!("running '{id}'")));
    if holder.expired {
        known.push("its lease has expired".to_owned());
    }
    format!("waiting for process {} on {}  {waited}  {}", holder.pid, holder.host, known.join(", "))
}

fn running(step: &Running, at: Instant, stopping: bool) -> String {
    let word = if stopping { "stopping" } else { step.word() };
    let (position, id, elapsed) = (step.position, step.migration.id(), step.elapsed(at));
    let position = if position.is_known() { format!("[{position:#}] ") } else { String::new() };
    format!("{position}{word} {id}  {elapsed}  {}", step.last().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mongodb::bson::DateTime;

    use super::*;
    use crate::fixtures::{failed, finished, holder, planned, started, updated};
    use mongrate::migration::Direction;

    /// The line this many seconds after these events.
    fn line(events: &[Event], seconds: u64) -> String {
        let start = Instant::now();
        let mut course = Course::new(start);
        for event in events {
            course.on_event(event, start);
        }
        text(&course, "looking", start + Duration::from_secs(seconds), false)
    }

    fn finished_lines(events: &[Event]) -> Vec<String> {
        let start = Instant::now();
        let mut course = Course::new(start);
        let ended = events.iter().filter_map(|event| course.on_event(event, start));
        ended.map(|ended| crate::ink::rendered(&finished_line(&ended), false)).collect()
    }

    #[test]
    fn the_line_shows_the_current_step() {
        let (plan, first, _) = planned();
        assert_eq!(line(&[], 3), "looking  3.0 s");
        let begun = [plan.clone(), started(first)];
        assert_eq!(line(&begun, 3), "[ 1/12] applying 001_step  3.0 s  ");
        let worked = [&begun[..], &[updated(first, 4_812)]].concat();
        assert_eq!(line(&worked, 3), "[ 1/12] applying 001_step  3.0 s  users: update_many, 4,812 matched");
        let worked_more = [&worked[..], &[updated(first, 12)]].concat();
        assert!(line(&worked_more, 3).ends_with("users: update_many, 12 matched (2 operations)"));
        assert_eq!(line(&[&worked[..], &[finished(first, Direction::Up)]].concat(), 3), "finishing  3.0 s");
    }

    /// One that an earlier run has started is not in the plan.
    #[test]
    fn the_line_shows_the_progress_of_a_backfill() {
        let (plan, first, second) = planned();
        let progress = |migration, done| Event::Progress { migration, done, total: Some(480_000) };
        assert_eq!(line(&[progress(first, 120_000)], 3), "applying 001_step  3.0 s  120,000 of 480,000 (25 %)");
        let both = [plan, started(first), progress(second, 0), progress(first, 479_999)];
        assert_eq!(line(&both, 3), "[ 1/12] applying 001_step  3.0 s  479,999 of 480,000 (99 %)");

        let reason = "member h2:27018 is 3 s behind, limit 2 s".to_owned();
        let slowed = Event::Throttled { migration: first, stopped: false, reason };
        let paused = Event::Paused { migration: second, by: Some("ana".to_owned()), because: Some("sale".to_owned()) };
        let held = [slowed, paused, progress(second, 1), progress(first, 120_000)];
        let slow = "120,000 of 480,000 (25 %), slowed: member h2:27018 is 3 s behind, limit 2 s";
        assert!(line(&held, 3).ends_with(slow), "{}", line(&held, 3));
        assert!(line(&held[..3], 3).ends_with("1 of 480,000 (0 %), paused by ana (sale)"), "{}", line(&held[..3], 3));
        let resumed = [&held[..], &[Event::Resumed { migration: first }, progress(first, 120_001)]].concat();
        assert!(line(&resumed, 3).ends_with("120,001 of 480,000 (25 %)"), "{}", line(&resumed, 3));
    }

    #[test]
    fn the_line_shows_the_holder_of_the_lock() {
        let waiting = |holder| Event::Waiting { holder: Box::new(holder), since: DateTime::now() };
        assert_eq!(line(&[waiting(holder(12))], 65), "waiting for process 12 on host-a  1 min 5 s  by deploy");
        let mut busy = holder(12);
        (busy.current, busy.actor) = (Some("003_x".to_owned()), None);
        assert_eq!(line(&[waiting(busy.clone())], 2), "waiting for process 12 on host-a  2.0 s  running '003_x'");
        let mut dead = busy;
        dead.expired = true;
        assert!(line(&[waiting(dead)], 2).ends_with("its lease has expired"));
    }

    #[test]
    fn an_interrupted_step_is_stopping() {
        let start = Instant::now();
        let mut course = Course::new(start);
        let (plan, first, _) = planned();
        course.on_event(&plan, start);
        course.on_event(&started(first), start);
        assert!(text(&course, "looking", start, true).starts_with("[ 1/12] stopping 001_step"));
    }

    #[test]
    fn finished_steps_stay() {
        let (plan, first, second) = planned();
        let events =
            [plan, started(first), finished(first, Direction::Up), started(second), failed(second, Direction::Up)];
        let [applied, failed] = &finished_lines(&events)[..] else { panic!("two lines") };
        assert!(applied.ends_with("[ 1/12] applied  001_step  12 ms"), "{applied}");
        assert!(failed.ends_with("[ 2/12] failed   002_step  2.0 s  the disk is full"), "{failed}");
    }
}
