//! What a body is handed: its argument decides how it runs.

pub(crate) mod catalog;
pub(crate) mod drift;
mod journal;
mod schema;
mod scope;
mod tx;

use mongodb::Database;

pub(crate) use drift::{Difference, Expectation, Facts, Left, Look, Position, compare};
pub(crate) use journal::Journal;
pub(crate) use schema::{Activity, Ask, Course, Effect, Log, Projection};
pub use schema::{CreateCollection, CreateIndex, Schema};
#[cfg(test)]
pub(crate) use schema::{Patience, Performer, Server};
pub(crate) use scope::Scope;
pub use tx::{Kv, Transactional, Tx, TxAction, TxCollection, TxCursor};

use crate::migration::Kind;
use crate::migration::registration::Context;

/// What is inside a [`Context`]; the executor fills it to match the migration's [`Kind`].
#[derive(Debug)]
pub(crate) enum Inner {
    Tx(Tx),
    Schema(Box<Schema>),
    Database(Database),
}

impl From<Inner> for Context {
    fn from(inner: Inner) -> Self {
        Self::new(inner)
    }
}

impl Inner {
    pub(crate) fn of(context: &Context) -> &Self {
        match context.inside() {
            Some(inner) => inner,
            None => unreachable!("the executor makes every context from this"),
        }
    }

    pub(crate) fn taken(context: Context) -> Self {
        match context.into_inside() {
            Some(inner) => inner,
            None => unreachable!("the executor makes every context from this"),
        }
    }

    fn of_mut(context: &mut Context) -> &mut Self {
        match context.inside_mut() {
            Some(inner) => inner,
            None => unreachable!("the executor makes every context from this"),
        }
    }

    /// Another handle of the `Tx` that a body is lent.
    pub(crate) fn tx(&self) -> Option<Tx> {
        match self {
            Self::Tx(tx) => Some(tx.handle()),
            Self::Schema(_) | Self::Database(_) => None,
        }
    }

    /// What a `Schema` body has under way.
    pub(crate) fn activity(&self) -> Option<Activity> {
        match self {
            Self::Schema(schema) => Some(schema.activity()),
            Self::Tx(_) | Self::Database(_) => None,
        }
    }

    /// Checks what can only be checked at the end of a body.
    pub(crate) async fn finish(context: &mut Context) -> Result<(), crate::error::Error> {
        match Self::of_mut(context) {
            Self::Schema(schema) => schema.finish().await,
            Self::Tx(_) | Self::Database(_) => Ok(()),
        }
    }
}

/// The one argument of a migration: `&mut Tx`, `&mut Schema` or `&Database`.
#[diagnostic::on_unimplemented(
    message = "a migration takes `&mut Tx`, `&mut Schema` or `&Database`, not `{Self}`",
    label = "not an argument that a migration can take"
)]
pub trait Argument<'a>: Sized {
    /// The type for every lifetime.
    type Takes: Takes;
    /// The only value of this type.
    const TAKES: Self::Takes;
    /// How a migration with this argument runs.
    const KIND: Kind;
    /// Takes it out of the context, which the executor made for this very kind.
    fn from_context(context: &'a mut Context) -> Self;
}

/// The type of an argument for every lifetime.
pub trait Takes: Sync {
    /// The type for one lifetime.
    type Argument<'a>: Argument<'a>;
}

/// Stands for `&mut Tx`.
pub struct TakesTx;
/// Stands for `&mut Schema`.
pub struct TakesSchema;
/// Stands for `&Database`.
pub struct TakesDatabase;

impl Takes for TakesTx {
    type Argument<'a> = &'a mut Tx;
}

impl Takes for TakesSchema {
    type Argument<'a> = &'a mut Schema;
}

impl Takes for TakesDatabase {
    type Argument<'a> = &'a Database;
}

/// The arguments that a plugin's migration may take: the ones that can be confined to its own collections.
#[diagnostic::on_unimplemented(
    message = "a plugin's migration takes `&mut Tx` or `&mut Schema`, not `{Self}`",
    label = "this handle would reach the collections of the whole application",
    note = "a plugin sees only its own collections, which `Tx` and `Schema` prefix with `plugin_<name>_`"
)]
pub trait PluginArgument<'a>: Argument<'a> {
    /// [`Argument::TAKES`], for a plugin.
    const CONFINED: Self::Takes = Self::TAKES;
}

impl<'a> Argument<'a> for &'a mut Tx {
    type Takes = TakesTx;
    const TAKES: TakesTx = TakesTx;
    const KIND: Kind = Kind::Tx;
    fn from_context(context: &'a mut Context) -> Self {
        match Inner::of_mut(context) {
            Inner::Tx(tx) => tx,
            _ => unreachable!("the executor builds the context from KIND"),
        }
    }
}

impl<'a> Argument<'a> for &'a mut Schema {
    type Takes = TakesSchema;
    const TAKES: TakesSchema = TakesSchema;
    const KIND: Kind = Kind::Schema;
    fn from_context(context: &'a mut Context) -> Self {
        match Inner::of_mut(context) {
            Inner::Schema(schema) => schema,
            _ => unreachable!("the executor builds the context from KIND"),
        }
    }
}

impl<'a> Argument<'a> for &'a Database {
    type Takes = TakesDatabase;
    const TAKES: TakesDatabase = TakesDatabase;
    const KIND: Kind = Kind::Database;
    fn from_context(context: &'a mut Context) -> Self {
        match Inner::of(context) {
            Inner::Database(database) => database,
            _ => unreachable!("the executor builds the context from KIND"),
        }
    }
}

impl<'a> PluginArgument<'a> for &'a mut Tx {}
impl<'a> PluginArgument<'a> for &'a mut Schema {}
