//! The types of a body's argument. For generated code alone, which reaches them through `__private`.

use mongodb::Database;

use super::{Backfill, Inner, Raw, Schema, Tx};
use crate::migration::Kind;
use crate::migration::registration::Context;

/// The argument of a migration: `&mut Tx`, `&mut Schema`, `&mut Backfill`, `&Database` or `&Raw`.
#[diagnostic::on_unimplemented(
    message = "a migration takes `&mut Tx`, `&mut Schema`, `&mut Backfill`, `&Database` or `&Raw`, not `{Self}`",
    label = "not an argument that a migration can take"
)]
pub trait Argument<'a>: Sized {
    /// The marker of this argument type.
    type Takes: Takes;
    /// The value of the marker.
    const TAKES: Self::Takes;
    /// The kind of a migration with this argument.
    const KIND: Kind;
    /// Takes the argument out of a context of [`KIND`](Self::KIND).
    fn from_context(context: &'a mut Context) -> Self;
}

/// A marker that names an argument type without its lifetime.
pub trait Takes: Sync {
    /// The argument type with a lifetime.
    type Argument<'a>: Argument<'a>;
}

/// The marker of `&mut Tx`.
pub struct TakesTx;
/// The marker of `&mut Schema`.
pub struct TakesSchema;
/// The marker of `&mut Backfill`.
pub struct TakesBackfill;
/// The marker of `&Database`.
pub struct TakesDatabase;
/// The marker of `&Raw`.
pub struct TakesRaw;

impl Takes for TakesTx {
    type Argument<'a> = &'a mut Tx;
}

impl Takes for TakesSchema {
    type Argument<'a> = &'a mut Schema;
}

impl Takes for TakesBackfill {
    type Argument<'a> = &'a mut Backfill;
}

impl Takes for TakesDatabase {
    type Argument<'a> = &'a Database;
}

impl Takes for TakesRaw {
    type Argument<'a> = &'a Raw;
}

/// The argument of a plugin's migration: one that can be confined to the plugin's collections.
#[diagnostic::on_unimplemented(
    message = "a plugin's migration takes `&mut Tx`, `&mut Schema` or `&mut Backfill`, not `{Self}`",
    label = "this handle would reach the collections of the whole application",
    note = "a plugin sees only its own collections, which these prefix with `plugin_<name>_`"
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

impl<'a> Argument<'a> for &'a mut Backfill {
    type Takes = TakesBackfill;
    const TAKES: TakesBackfill = TakesBackfill;
    const KIND: Kind = Kind::Backfill;
    fn from_context(context: &'a mut Context) -> Self {
        match Inner::of_mut(context) {
            Inner::Backfill(backfill) => backfill,
            _ => unreachable!("the executor builds the context from KIND"),
        }
    }
}

impl<'a> Argument<'a> for &'a Database {
    type Takes = TakesDatabase;
    const TAKES: TakesDatabase = TakesDatabase;
    const KIND: Kind = Kind::Database;
    fn from_context(context: &'a mut Context) -> Self {
        <&Raw>::from_context(context)
    }
}

impl<'a> Argument<'a> for &'a Raw {
    type Takes = TakesRaw;
    const TAKES: TakesRaw = TakesRaw;
    const KIND: Kind = Kind::Database;
    fn from_context(context: &'a mut Context) -> Self {
        match Inner::of(context) {
            Inner::Raw(raw) => raw,
            _ => unreachable!("the executor builds the context from KIND"),
        }
    }
}

impl<'a> PluginArgument<'a> for &'a mut Tx {}
impl<'a> PluginArgument<'a> for &'a mut Schema {}
impl<'a> PluginArgument<'a> for &'a mut Backfill {}
