//! A stream of events during a run.

mod queue;

use std::future::poll_fn;
use std::iter;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use mongodb::bson::DateTime;

use self::queue::{Queue, Received};
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
    /// A body reported its progress with [`Raw::report_progress`](crate::Raw::report_progress), or this process works on a backfill:
    /// then it is the number of documents, at most once a second.
    Progress {
        /// The migration.
        migration: Migration,
        /// How much is done, in a unit of the migration's choice.
        done: u64,
        /// How much there is to do, if that is known.
        total: Option<u64>,
    },
    /// A backfill on which this process works, or for which it waits, is paused. Sent again if it is paused by somebody else or for another reason.
    Paused {
        /// The migration.
        migration: Migration,
        /// The person or program.
        by: Option<String>,
        /// The reason that was given.
        because: Option<String>,
    },
    /// A backfill on which this process works is slower than its pace, or stopped for the moment, because of the servers or the
    /// application ([`throttle_when`](crate::context::Documents::throttle_when)). Any process that works on it may have found the
    /// reason. Sent again, at most once a second, if that changes.
    Throttled {
        /// The migration.
        migration: Migration,
        /// Whether no batch starts. Otherwise, workers rest for longer after each batch.
        stopped: bool,
        /// The signal, its value and the limit: `member h2:27018 is 3 s behind, limit 2 s`; or what the function returned.
        reason: String,
    },
    /// A backfill that was paused or throttled goes on at its pace.
    Resumed {
        /// The migration.
        migration: Migration,
    },
    /// A backfill that is underway has skipped documents whose change failed; see
    /// [`Migrator::skipped`](crate::migrator::Migrator::skipped).
    Skipped {
        /// The migration.
        migration: Migration,
        /// The number of all that were skipped so far, by all processes.
        documents: u64,
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
    /// The listener has not read for long, so that events were dropped here. Sent only to this listener.
    Missed {
        /// The number of dropped events.
        count: u64,
    },
    /// The run ended, successfully or not.
    Ended {
        /// The token of its lease. `None` if it never had the lease.
        token: Option<i64>,
    },
}

/// A [`Stream`] of the events of a migrator's runs. It ends when the last clone of the migrator, and of its children, is dropped.
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
/// At most 1,024 events wait to be read. What does not fit is dropped, and [`Event::Missed`] says how much.
#[derive(Debug)]
pub struct Events(Arc<Queue<Event>>);

impl Events {
    /// Waits for the next event. Returns `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<Event>> {
        self.0.poll(context).map(|received| {
            received.map(|received| match received {
                Received::Item(event) => event,
                Received::Missed(count) => Event::Missed { count },
            })
        })
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(context)
    }
}

/// Sends events to all listeners. Clones share their listeners.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventSender {
    own: Arc<Listeners>,
    /// The listeners of the migrators above.
    ancestors: Vec<Arc<Listeners>>,
}

/// The listeners of a migrator. Their streams end when this is dropped.
#[derive(Debug, Default)]
struct Listeners(Mutex<Vec<Weak<Queue<Event>>>>);

impl EventSender {
    pub(crate) fn subscribe(&self) -> Events {
        let queue = Arc::default();
        self.own.all().push(Arc::downgrade(&queue));
        Events(queue)
    }

    /// Creates a sender with listeners of its own, whose events also go to the listeners of this one.
    pub(crate) fn child(&self) -> Self {
        Self { own: Arc::default(), ancestors: self.all().cloned().collect() }
    }

    /// Sends an event to each listener. The closure is not called if there is none.
    pub(crate) fn emit(&self, event: impl Fn() -> Event) {
        for listeners in self.all() {
            listeners.all().retain(|listener| listener.upgrade().map(|queue| queue.push(event())).is_some());
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Listeners>> {
        iter::once(&self.own).chain(&self.ancestors)
    }
}

impl Listeners {
    fn all(&self) -> MutexGuard<'_, Vec<Weak<Queue<Event>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.all().iter().filter_map(Weak::upgrade).for_each(|queue| queue.end());
    }
}
