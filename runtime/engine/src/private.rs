//! All that generated code may name. Not part of the public interface: anything here may change in any release.

#[path = "private/acyclic.rs"]
mod acyclic;
#[path = "private/body.rs"]
mod body;
#[path = "private/registry.rs"]
mod registry;

pub use inventory;
pub use mongodb::BoxFuture;

pub use self::acyclic::assert_acyclic;
pub use self::body::{
    Failure, Migrating, Outcome, Reversal, Reverting, Up, Verdict, Verifying, kind_of, look, plugin_kind_of, reversal,
    revert, timeout, verify,
};
pub use self::registry::{Id, RegisteredOnce, only_one_migration_has_this_id};
pub use crate::context::argument::{Argument, PluginArgument, Takes};
pub use crate::migration::registration::{Body, BoxError, Context, Down, Need, NodeRef, Registration, Run, Verify};
pub use crate::migration::{Condition, Kind, Source};
pub use crate::plan::Linked;
