//! MongoDB migrations as annotated async functions.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod context;
mod error;
mod migration;
#[cfg(all(feature = "mongod", unix))]
pub mod mongod;

pub use context::{Schema, Tx};
pub use error::Error;
pub use migration::{Kind, Migration, Source, State};
pub use mongrate_macros::migration;
