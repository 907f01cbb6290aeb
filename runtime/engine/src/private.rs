//! All that generated code may name. Not part of the public interface: anything here may change in any release.

#[path = "private/acyclic.rs"]
mod acyclic;
#[path = "private/body.rs"]
mod body;
#[path = "private/registry.rs"]
mod registry;

use std::time::Duration;

pub use inventory;
pub use mongodb::BoxFuture;

pub use self::acyclic::assert_acyclic;
pub use self::body::{
    Body, BoxError, Down, Failure, Outcome, Reversal, Reverting, Verdict, Verify, Verifying, kind_of, look,
    plugin_kind, plugin_kind_of, reversal, revert, run, verify,
};
pub use self::registry::{Id, Node, NodeRef, RegisteredOnce, only_one_migration_has_this_id};
pub use crate::context::{Argument, Context, PluginArgument};
pub use crate::migration::{Kind, Source};

/// What one `#[migration]` declares. A `static` in the expansion, collected by `inventory`.
pub struct Registration {
    /// Qualified id.
    pub id: &'static str,
    /// Where it belongs.
    pub source: Source<'static>,
    /// Qualified ids, `extern` ones among them.
    pub dependencies: &'static [&'static str],
    /// `description = "..."`, or else the doc comment.
    pub description: &'static str,
    /// `t2:<sha256>` of the function's tokens, or of all that is in the module.
    pub checksum: &'static str,
    /// From the type of the argument.
    pub kind: Kind,
    /// The function, or the module's `up`.
    pub up: Body,
    /// `down = path`, or the module's `down`.
    pub down: Option<Down>,
    /// `verify = path`, or the module's `verify`.
    pub verify: Option<Verify>,
    /// `irreversible = "reason"`.
    pub irreversible: Option<&'static str>,
    /// `covers = [path]`, as written. Names for people.
    pub covers: &'static [&'static str],
    /// `manual`.
    pub manual: bool,
    /// `timeout = "10m"`.
    pub timeout: Option<Duration>,
    /// `file!()` of the function.
    pub file: &'static str,
    /// `line!()` of the function.
    pub line: u32,
}

impl Registration {
    /// What holds where an expansion says nothing. The function is never this one.
    pub const DEFAULT: Self = Self {
        id: "",
        source: Source::System,
        dependencies: &[],
        description: "",
        checksum: "",
        kind: Kind::Tx,
        up: |_| Box::pin(async { Ok(()) }),
        down: None,
        verify: None,
        irreversible: None,
        covers: &[],
        manual: false,
        timeout: None,
        file: "",
        line: 0,
    };
}

inventory::collect!(Registration);
