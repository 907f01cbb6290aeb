//! Rewrites large collections in batches, outside the lease.
//!
//! A backfill is planned and finished under the lease, and worked on without it. It is split into **ranges** of `_id`. A worker
//! **claims** a range, and changes it batch by batch. Each batch is one transaction of the documents and of the range's own
//! document, on condition that the range is where the worker last saw it and has the token of the worker's claim. So the
//! committed batches of a range form a chain, whatever process dies at whatever point: a claim only saves work, and the range's
//! document is the fence.

mod batch;
mod changed;
mod each;
mod filter;
mod header;
mod in_batches;
mod mongo;
mod opened;
mod plan;
mod range;
#[cfg(test)]
mod simulation;
mod steering;
mod step;
mod stored;
mod sweep;
mod terms;
mod throttle;
mod unfinished;
mod worker;

pub(crate) use self::header::Header;
pub(crate) use self::mongo::{Mongo, look, reading_ranges};
pub(crate) use self::opened::{Opened, describe};
pub(crate) use self::plan::suitable;
pub(crate) use self::range::{RangeState, Seen, Skipped};
pub(crate) use self::steering::Steering;
pub use self::steering::{Pause, Tuning};
pub(crate) use self::stored::Ranges;
pub(crate) use self::terms::Terms;
pub use self::throttle::Throttle;
pub(crate) use self::throttle::{Asked, Gauge};
pub(crate) use self::worker::Worker;
