//! What one `#[migration]` declares.

use std::panic::RefUnwindSafe;
use std::time::Duration;

use super::body::{Down, Run, Verify};
use crate::migration::{Kind, Source};

/// A declared migration: the one `static` of its expansion, and a node of the graph that
/// [`assert_acyclic`](super::assert_acyclic) walks.
pub struct Registration {
    /// Hash of the qualified id, the same as in [`Id`](super::Id).
    pub key: u128,
    /// Qualified id.
    pub id: &'static str,
    /// The source that the migration belongs to.
    pub source: Source<'static>,
    /// Qualified ids, including the `extern` ones.
    pub dependencies: &'static [&'static str],
    /// The dependencies that this crate can see.
    pub visible: &'static [NodeRef],
    /// `description = "..."`, or else the doc comment.
    pub description: &'static str,
    /// `t2:<sha256>` of the function's tokens, or of the content of the module.
    pub checksum: &'static str,
    /// The function, or the module's `up`.
    pub up: &'static dyn Run,
    /// `down = path`, or the module's `down`.
    pub down: Option<Down>,
    /// `verify = path`, or the module's `verify`.
    pub verify: Option<Verify>,
    /// `irreversible = "reason"`.
    pub irreversible: Option<&'static str>,
    /// `covers = [path]`, as written. For display only.
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

// It is immutable, which `dyn Run` does not say.
impl RefUnwindSafe for Registration {}

impl Registration {
    /// The values of the fields that an expansion leaves out.
    pub const DEFAULT: Self = Self {
        key: 0,
        id: "",
        source: Source::System,
        dependencies: &[],
        visible: &[],
        description: "",
        checksum: "",
        up: &Down { kind: Kind::Tx, body: |_| Box::pin(async { Ok(()) }) },
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

/// A [`Registration`] behind a pointer that rustc does not follow by itself. With a reference in its place, rustc would
/// report a circular dependency as a cycle of constants, in words of its own.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef(*const Registration);

// SAFETY: it is only ever made of a `&'static Registration`, and the fields of a `Registration` other than this one are
// `Sync`.
#[allow(unsafe_code)]
unsafe impl Sync for NodeRef {}

impl NodeRef {
    /// Points at the `static` of a migration.
    #[must_use]
    pub const fn new(registration: &'static Registration) -> Self {
        Self(registration)
    }

    /// The migration.
    #[must_use]
    pub const fn get(self) -> &'static Registration {
        // SAFETY: `new` took it from a `&'static Registration`.
        #[allow(unsafe_code)]
        unsafe {
            &*self.0
        }
    }
}
