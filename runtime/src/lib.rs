//! MongoDB migrations as annotated async functions.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod context;
mod error;
#[cfg(test)]
mod fixtures;
#[cfg_attr(not(test), expect(dead_code, reason = "the migrator is its user"))]
mod graph;
mod migration;
#[cfg_attr(not(test), expect(dead_code, reason = "the migrator is its user"))]
mod plan;
mod registry;

pub use context::{Schema, Tx};
pub use error::Error;
pub use migration::{Kind, Migration, Source, State};
pub use mongrate_macros::migration;
pub use plan::{Blocked, Plan, Step, Verb};
pub use registry::Registry;
