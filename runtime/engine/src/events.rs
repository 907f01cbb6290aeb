//! A stream of events during a run.

use std::iter;
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

/// An event of a run; see [`Migrator::events`](crate::migrator::Migrator::events).
///
/// A run with something to do ends with [`Ended`](Self::Ended), unless the process dies. Dry runs, and runs with nothing to do,
/// emit no events.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The plan of the run. Sent under the lease, when the plan is final.
    Planned(Plan),
    /// Another process is migrating. Sent when the wait begins, and every 30 seconds while it lasts.
    Waiting {
        /// The other process.
        holder: Box<Holder>,
        /// The start of the wait, UTC by the clock of this process.
        since: DateTime,
    },
    /// The run has taken the lease. Sent once.
    Acquired {
        /// The token of the lease, which identifies the run: no other run of this database has it.
        token: i64,
    },
    /// A migration started.
    Started {
        /// The migration.
        migration: Migration,
        /// Whether it is applied or reverted.
        direction: Direction,
    },
    /// A body completed an operation of `Tx` or `Schema`. A body that is retried after a rollback sends its operations again.
    Operation {
        /// The migration.
        migration: Migration,
        /// The operation.
        operation: Operation,
    },
    /// A migration was applied or reverted, and was recorded.
    Finished {
        /// The migration.
        migration: Migration,
        /// Whether it was applied or reverted.
        direction: Direction,
        /// The time from the start of its first attempt to its record.
        duration: Duration,
    },
    /// A migration failed.
    Failed {
        /// The migration.
        migration: Migration,
        /// Whether it was being applied or reverted.
        direction: Direction,
        /// The error with its causes, in one line.
        message: String,
        /// The time from the start of its first attempt to its end.
        duration: Duration,
    },
    /// A migration was stopped together with the run.
    Stopped {
        /// The migration.
        migration: Migration,
        /// Whether it was being applied or reverted.
        direction: Direction,
    },
    /// The run ended, successfully or not.
    Ended {
        /// The token of its lease. `None` if it never had the lease.
        token: Option<i64>,
    },
}

/// A [`Stream`] of the events of a migrator's runs. It ends when the last clone of the migrator is dropped.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// use mongrate::events::Event;
///
/// let mut events = migrator.events();
/// tokio::spawn(async move {
///     while let Some(event) = events.next().await {
///         match event {
///             Event::Started { migration, direction, .. } => println!("{direction} {} ...", migration.id()),
///             Event::Waiting { holder, .. } => println!("waiting for {holder}"),
///             _ => {}
///         }
///     }
/// });
/// migrator.up().await?;
/// # Ok(()) }
/// ```
///
/// Unread events are kept in memory without limit, so read them or drop the stream.
#[derive(Debug)]
pub struct Events(UnboundedReceiver<Event>);

impl Events {
    /// Waits for the next event. Returns `None` when the last clone of the migrator is dropped.
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

/// Sends events to all listeners. Clones share their listeners.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventSender {
    own: Listeners,
    /// The listeners of the migrators above.
    ancestors: Vec<Listeners>,
}

type Listeners = Arc<Mutex<Vec<UnboundedSender<Event>>>>;

impl EventSender {
    pub(crate) fn subscribe(&self) -> Events {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.own.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Events(receiver)
    }

    /// Creates a sender with listeners of its own, whose events also go to the listeners of this one.
    pub(crate) fn child(&self) -> Self {
        Self { own: Listeners::default(), ancestors: self.all().cloned().collect() }
    }

    /// Sends an event to each listener. The closure is not called if there is none.
    pub(crate) fn emit(&self, event: impl Fn() -> Event) {
        for listeners in self.all() {
            let mut listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.retain(|listener| listener.send(event()).is_ok());
        }
    }

    fn all(&self) -> impl Iterator<Item = &Listeners> {
        iter::once(&self.own).chain(&self.ancestors)
    }
}
