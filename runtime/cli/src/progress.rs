//! What is under way, while it is: lines that stay for what is over, and on a terminal one below them that moves.

mod course;
mod moving;
mod plain;

use std::future::IntoFuture;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::time::{self, MissedTickBehavior};

use self::moving::Moving;
use self::plain::Plain;
use super::output::Output;
use super::session::Session;
use mongrate::Error;
use mongrate::events::Event;
use mongrate::migrator::Migrator;
use mongrate::report::Report;
use mongrate::stop::Signals;

/// How often the moving line moves. What is over before that needs none.
const TICK: Duration = Duration::from_millis(100);

/// Waits for a run, and shows how it goes.
pub(super) async fn shown(
    session: &Session,
    migrator: &Migrator,
    run: impl IntoFuture<Output = Result<Report, Error>>,
) -> Result<Report, Error> {
    if session.output.is_quiet() {
        return run.await;
    }
    let mut events = migrator.events();
    let mut screen = Screen::new(session.output, "looking what there is to do");
    let (mut run, mut ticks) = (pin!(run.into_future()), ticks());
    let result = loop {
        tokio::select! {
            biased;
            Some(event) = events.next() => screen.heed(&event),
            _ = ticks.tick() => screen.tick(),
            result = &mut run => break result,
        }
    };
    // What came while the run ended.
    while let Some(event) = events.next().now_or_never().flatten() {
        screen.heed(&event);
    }
    result
}

/// Waits for a dry run, which tells nothing before its end.
pub(super) async fn rehearsed(
    session: &Session,
    run: impl IntoFuture<Output = Result<Report, Error>>,
) -> Result<Report, Error> {
    if !session.output.may_move() {
        return run.await;
    }
    let mut screen = Screen::new(session.output, "dry run");
    let (mut run, mut ticks) = (pin!(run.into_future()), ticks());
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

/// Where a run is shown.
struct Screen {
    output: Output,
    form: Form,
    signals: Signals,
}

enum Form {
    Moving(Moving),
    Plain(Plain),
}

impl Screen {
    fn new(output: Output, beginning: &'static str) -> Self {
        let now = Instant::now();
        let form =
            if output.may_move() { Form::Moving(Moving::new(beginning, now)) } else { Form::Plain(Plain::new(now)) };
        Self { output, form, signals: Signals::new() }
    }

    fn heed(&mut self, event: &Event) {
        let now = Instant::now();
        match &mut self.form {
            Form::Moving(moving) => moving.heed(event, now, self.output),
            Form::Plain(plain) => {
                if let Some(line) = plain.heed(event, now) {
                    self.output.remark(line);
                }
            }
        }
    }

    fn tick(&mut self) {
        let (now, stopping) = (Instant::now(), self.signals.received());
        match &mut self.form {
            Form::Moving(moving) => moving.tick(now, stopping),
            Form::Plain(plain) => {
                if let Some(line) = plain.tick(now, stopping) {
                    self.output.remark(line);
                }
            }
        }
    }
}
