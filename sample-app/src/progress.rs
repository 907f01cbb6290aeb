//! Prints the progress, one line for each migration.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use mongrate::events::{Event, Events};

/// Waits for a run and prints its progress.
pub async fn printed<T>(mut events: Events, run: impl IntoFuture<Output = T>) -> T {
    let mut run = pin!(run.into_future());
    let result = loop {
        tokio::select! {
            Some(event) = events.next() => print(&event),
            result = &mut run => break result,
        }
    };
    // Events that arrived at the end of the run.
    while let Some(event) = events.next().now_or_never().flatten() {
        print(&event);
    }
    result
}

fn print(event: &Event) {
    let (took, what, id) = match event {
        Event::Waiting { holder, .. } => return println!("  waiting for {holder}"),
        Event::Finished { migration, duration, .. } => (*duration, "applied", migration.id()),
        Event::Failed { migration, duration, .. } => (*duration, "failed", migration.id()),
        _ => return,
    };
    println!("  {:>7}  {what:<7} {id}", elapsed(took));
}

/// Formats a duration.
#[must_use]
pub fn elapsed(time: Duration) -> String {
    if time.as_secs() == 0 { format!("{} ms", time.as_millis()) } else { format!("{:.1} s", time.as_secs_f64()) }
}
