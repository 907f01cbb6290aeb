//! The registry that rustc keeps while it compiles: one impl for each migration.

/// A migration in the type system: `KEY` is a hash of its qualified id.
#[derive(Debug)]
pub struct Id<const KEY: u128>;

/// There is exactly one migration with this id. `Owner` is a type of the crate that declares it, which makes the impl
/// legal in every crate.
#[diagnostic::on_unimplemented(
    message = "no migration with this id can be seen from here",
    label = "there is no migration with this id",
    note = "a plain id like `001_create_users` belongs to the source `system`, an id of another source is written in full: `module:menu:001_add_namespace`",
    note = "a migration of another crate is seen once that crate is named here: `use whale_alerts as _;`",
    note = "an id that this crate can never see is looked up at run time: `deps = [extern \"001_create_users\"]`"
)]
pub trait RegisteredOnce<Owner> {
    /// Its place in the graph.
    const NODE: NodeRef;
}

/// Does not compile if the id was given twice: `Owner` is then ambiguous. Its name is part of rustc's message.
pub const fn only_one_migration_has_this_id<Id: RegisteredOnce<Owner>, Owner>() {}

/// A migration in the graph that [`assert_acyclic`](super::assert_acyclic) walks.
#[derive(Debug)]
pub struct Node {
    /// Hash of the id, the same as in [`Id`].
    pub key: u128,
    /// Qualified id.
    pub id: &'static str,
    /// Without the `extern` ones.
    pub dependencies: &'static [NodeRef],
}

/// A [`Node`] that rustc does not look into by itself: with a reference in its place, a cycle would be reported as one of
/// constants, in rustc's own words.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef(*const Node);

// SAFETY: a `Node` is an immutable static without interior mutability.
#[allow(unsafe_code)]
unsafe impl Sync for NodeRef {}

impl NodeRef {
    /// Points at the `static` of one migration.
    ///
    /// # Safety
    ///
    /// `node` points at a `Node` that is valid, and not written to, for as long as the program runs.
    #[must_use]
    #[allow(unsafe_code)]
    pub const unsafe fn new(node: *const Node) -> Self {
        Self(node)
    }

    pub(super) const fn get(self) -> &'static Node {
        // SAFETY: as `new` demands. Besides, it is followed while compiling only, where rustc checks the access.
        #[allow(unsafe_code)]
        unsafe {
            &*self.0
        }
    }
}
