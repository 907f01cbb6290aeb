#![doc = include_str!("crate.md")]

// Fixtures of unit tests are shared with other crates, where these paths are the only ones.
#[cfg(test)]
extern crate self as mongrate;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod context;
pub mod display;
pub mod error;

pub mod events;
mod executor;
pub mod json;
pub mod lock;
pub mod migration;
pub mod migrator;
pub mod options;
pub mod plan;
pub mod record;
pub mod report;
pub mod stop;
mod store;

pub use context::{Backfill, Raw, Schema, Tx};
pub use error::Error;
pub use migration::{Effect, Kind, Migration, Source};
pub use migrator::status;
pub use migrator::{Migrator, MigratorBuilder};
pub use mongrate_macros::{migration, source};
pub use plan::{Plan, Registry};
pub use record::history;
pub use report::Report;
