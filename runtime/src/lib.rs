//! MongoDB migrations as annotated async functions.

mod context;
mod migration;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use context::{Schema, Tx};
pub use migration::{Kind, Migration, Source};
pub use mongrate_macros::migration;
