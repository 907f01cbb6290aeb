//! Progress of a run: a line for each finished step and, on a terminal, an animated line for the current one.

mod animated;
mod course;
mod plain;

use std::future::IntoFuture;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use mongrate::Error;
use mongrate::events::Event;
use mongrate::migrator::Migrator;
use mongrate::report::Report;
use mongrate::stop::Signals;
use tokio::time::{self, MissedTickBehavior};

use self::animated::Animated;
use self::plain::Plain;
use super::output::Output;
use super::session::Session;

/// Refresh interval of the animated line. Shorter runs have none.
const TICK: Duration = Duration::from_millis(100);

/// Runs migrations and shows the progress.
pub(super) async fn run(
    session: &Session,
    migrator: &Migrator,
    action: impl IntoFuture<Output = Result<Report, Error>>,
) -> Result<Report, Error> {
    if session.output.is_quiet() {
        return action.await;
    }
    let mut events = migrator.events();
    let mut screen = Screen::new(session.output, "reading the records");
    let (mut run, mut ticks) = (pin!(action.into_future()), ticks());
    let result = loop {
        tokio::select! {
            biased;
            Some(event) = events.next() => screen.on_event(&event),
            _ = ticks.tick() => screen.tick(),
            result = &mut run => break result,
        }
    };
    // Events that arrived while the run ended.
    while let Some(event) = events.next().now_or_never().flatten() {
        screen.on_event(&event);
    }
    result
}

/// Makes a dry run, which reports nothing before its end.
pub(super) async fn run_dry(
    session: &Session,
    action: impl IntoFuture<Output = Result<Report, Error>>,
) -> Result<Report, Error> {
    if !session.output.may_animate() {
        return action.await;
    }
    let mut screen = Screen::new(session.output, "dry run");
    let (mut run, mut ticks) = (pin!(action.into_future()), ticks());
    loop {
        tokio::select! {
            result = &mut run => return result,
            _ = ticks.tick() => screen.tick(),
        }
    }
}

fn ticks() -> time::Interval {
    let mut ticks = time::interval_at(time::Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Shows a run on a terminal or in a log.
struct Screen {
    output: Output,
    form: Form,
    signals: Signals,
}

enum Form {
    Animated(Animated),
    Plain(Plain),
}

impl Screen {
    fn new(output: Output, beginning: &'static str) -> Self {
        let now = Instant::now();
        let form = if output.may_animate() {
            Form::Animated(Animated::new(beginning, now))
        } else {
            Form::Plain(Plain::new(now))
        };
        Self { output, form, signals: Signals::new() }
    }

    fn on_event(&mut self, event: &Event) {
        let now = Instant::now();
        match &mut self.form {
            Form::Animated(line) => line.on_event(event, now, self.output),
            Form::Plain(plain) => {
                if let Some(line) = plain.on_event(event, now) {
                    self.output.remark(line);
                }
            }
        }
    }

    fn tick(&mut self) {
        let (now, stopping) = (Instant::now(), self.signals.received());
        match &mut self.form {
            Form::Animated(line) => line.tick(now, stopping),
            Form::Plain(plain) => {
                if let Some(line) = plain.tick(now, stopping) {
                    self.output.remark(line);
                }
            }
        }
    }
}
