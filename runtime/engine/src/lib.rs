#![doc = include_str!("crate.md")]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
mod context;
mod durable;
mod elapsed;
mod error;
mod events;
mod excerpt;
mod executor;
#[cfg(test)]
mod fixtures;
mod graph;
mod grouped;
#[cfg(all(doctest, feature = "cli", feature = "mongod", unix))]
mod guide;
mod history;
mod json;
mod left;
mod lock;
mod migration;
mod migrator;
#[cfg(all(feature = "mongod", unix))]
pub mod mongod;
mod options;
mod plan;
mod record;
mod registry;
mod report;
mod signals;
mod stop;
mod tracker;
#[cfg(feature = "cli")]
mod wire;

pub use context::{
    Counts, CreateCollection, CreateIndex, Kv, Operation, Pending, Prediction, Sample, Schema, Transactional, Tx,
    TxCollection, TxCursor,
};
pub use error::{Error, Remains};
pub use events::{Event, Events};
pub use history::{Act, EffectEntry, Effects, HistoryEntry};
pub use lock::{Holder, LockStatus};
pub use migration::{Kind, Migration, Source, State};
pub use migrator::{
    Amend, Boot, Booted, DatabaseFilter, Detected, Down, Finding, ForEach, ForceUnlock, Health, HealthStatus, History,
    HistoryPage, Migrator, MigratorBuilder, Problem, Require, Standing, Statistics, Status, Tenants, Up, Validation,
    Verdict,
};
pub use mongrate_macros::migration;
pub use options::{Names, Policy, Transactions};
pub use plan::{Blocked, Plan, Step, Verb};
pub use record::{Direction, Record, RecordStatus};
pub use registry::Registry;
pub use report::{Execution, Outcome, Report};
