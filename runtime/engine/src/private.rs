//! All that generated code may name. Not part of the public interface: anything here may change in any release.

#[path = "private/acyclic.rs"]
mod acyclic;
#[path = "private/body.rs"]
mod body;
#[path = "private/registration.rs"]
mod registration;
#[path = "private/registry.rs"]
mod registry;

pub use inventory;
pub use mongodb::BoxFuture;

pub use self::acyclic::assert_acyclic;
pub use self::body::{
    Body, BoxError, Down, Failure, Migrating, Outcome, Reversal, Reverting, Run, Up, Verdict, Verify, Verifying,
    kind_of, look, plugin_kind_of, reversal, revert, verify,
};
pub use self::registration::{NodeRef, Registration};
pub use self::registry::{Id, Linked, RegisteredOnce, only_one_migration_has_this_id};
pub use crate::context::{Argument, Context, PluginArgument, Takes};
pub use crate::migration::{Kind, Source};
