//! MongoDB migrations as annotated async functions.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod context;
mod error;
mod executor;
mod lock;
mod migration;
mod migrator;
mod options;
mod record;
mod report;
mod stop;
mod tracker;

pub use context::{
    Counts, CreateCollection, CreateIndex, Kv, Operation, Pending, Schema, Transactional, Tx, TxCollection, TxCursor,
};
pub use error::Error;
pub use lock::Holder;
pub use migration::{Kind, Migration, Source, State};
pub use mongrate_macros::migration;
pub use options::{Names, Policy, Transactions};
pub use record::{Record, RecordStatus};
pub use report::{Execution, Outcome, Report};
