//! What the library tells while it works, one line for each migration as it ends.
//!
//! Mongrate speaks through `tracing`: within a span `migration` that has the field `id`, there is an event at the end,
//! `applied` or `failed`, with the field `duration_ms`. While it waits for another process it says so, with the field
//! `holder`. A service would just install `tracing_subscriber::fmt`.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Prints the steps of every run of this process from now on.
pub fn print_steps() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let subscriber = tracing_subscriber::registry().with(Steps);
        // Fails when the program has a subscriber already, which then is the one to print.
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
}

/// How long something took, for people.
#[must_use]
pub fn elapsed(time: Duration) -> String {
    if time.as_secs() == 0 { format!("{} ms", time.as_millis()) } else { format!("{:.1} s", time.as_secs_f64()) }
}

#[derive(Debug)]
struct Steps;

/// Kept with the span.
struct MigrationId(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Steps {
    fn on_new_span(&self, attributes: &Attributes<'_>, span: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != "migration" {
            return;
        }
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(span), Some(id)) = (context.span(span), fields.id) {
            span.extensions_mut().insert(MigrationId(id));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(holder) = fields.holder {
            println!("  {}: {holder}", fields.message);
            return;
        }
        let (Some(span), Some(took)) = (context.event_span(event), fields.duration_ms) else { return };
        if let Some(MigrationId(id)) = span.extensions().get() {
            println!("  {:>7}  {:<7} {id}", elapsed(Duration::from_millis(took)), fields.message);
        }
    }
}

#[derive(Default)]
struct Fields {
    id: Option<String>,
    duration_ms: Option<u64>,
    holder: Option<String>,
    message: String,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "duration_ms" {
            self.duration_ms = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "id" {
            self.id = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "holder" => self.holder = Some(format!("{value:?}")),
            _ => {}
        }
    }
}
