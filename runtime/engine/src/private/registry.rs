//! The registry that rustc keeps while it compiles, with one impl for each migration, and the list that is linked in.

use crate::migration::registration::NodeRef;
use crate::plan::Linked;

/// A migration in the type system: `KEY` is a hash of its qualified id.
#[derive(Debug)]
pub struct Id<const KEY: u128>;

/// There is exactly one migration with this id. `Owner` is a type of the crate that declares it, which makes the impl
/// legal in every crate.
#[diagnostic::on_unimplemented(
    message = "no migration with this id can be seen from here",
    label = "there is no migration with this id",
    note = "a plain id like `001_create_users` belongs to the source `system` (below `#[mongrate::source(..)]`, to that source), an id of another source is written in full: `module:menu:001_add_namespace`",
    note = "a migration of another crate is seen once that crate is named here: `use whale_alerts as _;`",
    note = "an id that this crate can never see is looked up at run time: `deps = [extern \"001_create_users\"]`"
)]
pub trait RegisteredOnce<Owner> {
    /// Its place in the graph.
    const NODE: NodeRef;
}

/// Lists a migration. Does not compile if its id is used twice, because `Owner` is then ambiguous. rustc's message shows
/// the name of this function.
#[must_use]
pub const fn only_one_migration_has_this_id<Id: RegisteredOnce<Owner>, Owner>() -> Linked {
    Linked::new(Id::NODE)
}
