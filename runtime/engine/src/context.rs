//! The argument of a migration's body. Its type decides how the body runs.

pub(crate) mod catalog;
pub(crate) mod drift;
mod journal;
mod schema;
mod scope;
mod tx;

use mongodb::Database;

pub(crate) use drift::{Difference, Expectation, Facts, Footprint, Position, Snapshot, compare};
pub(crate) use journal::Journal;
pub(crate) use schema::{Activity, Effect, Log, LogRequest, Projection, Replay};
pub use schema::{CreateCollection, CreateIndex, Schema};
#[cfg(test)]
pub(crate) use schema::{Performer, Retry, Server};
pub(crate) use scope::Scope;
pub use tx::{Kv, Transactional, Tx, TxAction, TxCollection, TxCursor};

use crate::migration::Kind;

/// The handle that a body runs with. The executor creates the variant that matches the migration's [`Kind`].
#[derive(Debug)]
pub struct Context(pub(crate) Inner);

#[derive(Debug)]
pub(crate) enum Inner {
    Tx(Tx),
    Schema(Box<Schema>),
    Database(Database),
}

impl Context {
    /// Returns another handle to the `Tx` of the body.
    pub(crate) fn tx(&self) -> Option<Tx> {
        match &self.0 {
            Inner::Tx(tx) => Some(tx.handle()),
            Inner::Schema(_) | Inner::Database(_) => None,
        }
    }
}

impl Context {
    /// Returns the activity of a `Schema` body, which others need to end its commands.
    pub(crate) fn activity(&self) -> Option<Activity> {
        match &self.0 {
            Inner::Schema(schema) => Some(schema.activity()),
            Inner::Tx(_) | Inner::Database(_) => None,
        }
    }

    /// Runs the checks that are due after the body has returned.
    pub(crate) async fn finish(&mut self) -> Result<(), crate::error::Error> {
        match &mut self.0 {
            Inner::Schema(schema) => schema.finish().await,
            Inner::Tx(_) | Inner::Database(_) => Ok(()),
        }
    }
}

/// The argument of a migration: `&mut Tx`, `&mut Schema` or `&Database`.
#[diagnostic::on_unimplemented(
    message = "a migration takes `&mut Tx`, `&mut Schema` or `&Database`, not `{Self}`",
    label = "not an argument that a migration can take"
)]
pub trait Argument<'a>: Sized {
    /// The kind of a migration with this argument.
    const KIND: Kind;
    /// Takes the argument out of a context of [`KIND`](Self::KIND).
    fn from_context(context: &'a mut Context) -> Self;
}

/// The argument of a plugin's migration: one that can be confined to the plugin's collections.
#[diagnostic::on_unimplemented(
    message = "a plugin's migration takes `&mut Tx` or `&mut Schema`, not `{Self}`",
    label = "this handle would reach the collections of the whole application",
    note = "a plugin sees only its own collections, which `Tx` and `Schema` prefix with `plugin_<name>_`"
)]
pub trait PluginArgument<'a>: Argument<'a> {}

impl<'a> Argument<'a> for &'a mut Tx {
    const KIND: Kind = Kind::Tx;
    fn from_context(context: &'a mut Context) -> Self {
        match &mut context.0 {
            Inner::Tx(tx) => tx,
            _ => unreachable!("the executor builds the context from KIND"),
        }
    }
}

impl<'a> Argument<'a> for &'a mut Schema {
    const KIND: Kind = Kind::Schema;
    fn from_context(context: &'a mut Context) -> Self {
        match &mut context.0 {
            Inner::Schema(schema) => schema,
            _ => unreachable!("the executor builds the context from KIND"),
        }
    }
}

impl<'a> Argument<'a> for &'a Database {
    const KIND: Kind = Kind::Database;
    fn from_context(context: &'a mut Context) -> Self {
        match &context.0 {
            Inner::Database(database) => database,
            _ => unreachable!("the executor builds the context from KIND"),
        }
    }
}

impl<'a> PluginArgument<'a> for &'a mut Tx {}
impl<'a> PluginArgument<'a> for &'a mut Schema {}
