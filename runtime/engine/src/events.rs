//! What happens during a run, as it happens.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use mongodb::bson::DateTime;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::migration::{Direction, Migration};
use crate::plan::Plan;
use crate::record::Holder;
use crate::report::Operation;

/// Something that happened during a run; see [`Migrator::events`](crate::migrator::Migrator::events).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// What the run is going to do. Sent under the lease, when it is certain.
    Planned(Plan),
    /// Another process is migrating. Sent when the wait begins, and every 30 seconds while it lasts.
    Waiting {
        /// That process.
        holder: Box<Holder>,
        /// Since when this one waits (UTC, this process's clock).
        since: DateTime,
    },
    /// A migration begins.
    Started {
        /// The migration.
        migration: Migration,
        /// Whether it is applied or reverted.
        direction: Direction,
    },
    /// A body did something through `Tx` or `Schema`. A body that the server rolled back does it again.
    Operation {
        /// The migration.
        migration: Migration,
        /// What it did.
        operation: Operation,
    },
    /// A migration was applied or reverted, and is on record.
    Finished {
        /// The migration.
        migration: Migration,
        /// Whether it was applied or reverted.
        direction: Direction,
        /// From the start of its first attempt to its record.
        duration: Duration,
    },
    /// A migration failed.
    Failed {
        /// The migration.
        migration: Migration,
        /// Whether it was to be applied or reverted.
        direction: Direction,
        /// The error with its causes, in one line.
        message: String,
        /// From the start of its first attempt to its end.
        duration: Duration,
    },
    /// A migration was under way when the run was told to stop.
    Stopped {
        /// The migration.
        migration: Migration,
        /// Whether it was to be applied or reverted.
        direction: Direction,
    },
    /// The run is over; whether it went well, its result says.
    Ended,
}

/// The events of a migrator's runs, from when this was asked for: a [`Stream`] that ends with the last clone of the migrator.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// use mongrate::events::Event;
///
/// let mut events = migrator.events();
/// tokio::spawn(async move {
///     while let Some(event) = events.next().await {
///         match event {
///             Event::Started { migration, direction } => println!("{direction} {} ...", migration.id()),
///             Event::Waiting { holder, .. } => println!("waiting for {holder}"),
///             _ => {}
///         }
///     }
/// });
/// migrator.up().await?;
/// # Ok(()) }
/// ```
///
/// Events are kept until they are read, so read them, or drop this.
#[derive(Debug)]
pub struct Events(UnboundedReceiver<Event>);

impl Events {
    /// The next event; `None` when there is no migrator any more that could send one.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_recv(context)
    }
}

/// Who wants to know. Every clone reaches the same listeners.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventSender(Arc<Mutex<Vec<UnboundedSender<Event>>>>);

impl EventSender {
    pub(crate) fn join(&self) -> Events {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Events(receiver)
    }

    /// The event is made only if somebody listens.
    pub(crate) fn emit(&self, event: impl Fn() -> Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|listener| listener.send(event()).is_ok());
    }
}
