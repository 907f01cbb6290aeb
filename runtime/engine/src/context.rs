//! The argument of a migration's body. Its type decides how the body runs.

pub(crate) mod argument;
mod backfill;
pub(crate) mod catalog;
pub(crate) mod drift;
pub(crate) mod encoding;
mod journal;
mod raw;
mod schema;
mod scope;
mod tx;

pub(crate) use backfill::{Action, Ask, Batches, Compute, Deed, Description, Work};
pub use backfill::{Backfill, Change, Described, Documents, InvalidPace, Pace};
pub(crate) use drift::{Difference, Expectation, Facts, Footprint, Position, Snapshot, compare};
pub(crate) use journal::Journal;
pub use raw::Raw;
pub(crate) use schema::{Activity, Effect, Log, LogRequest, Projection, Replay, is_query};
pub use schema::{CreateCollection, CreateIndex, Index, RenameCollection, Schema};
#[cfg(test)]
pub(crate) use schema::{Performer, Retry, Server};
pub(crate) use scope::Scope;
pub use tx::{Kv, Transactional, Tx, TxAction, TxCollection, TxCursor, TxDatabase, UpdateEach};
pub(crate) use tx::{Mode, sample};

use crate::migration::registration::Context;

/// The contents of a [`Context`]. The executor creates the variant that matches the migration's [`Kind`](crate::migration::Kind).
#[derive(Debug)]
pub(crate) enum Inner {
    Tx(Tx),
    Schema(Box<Schema>),
    Raw(Raw),
    Backfill(Box<Backfill>),
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
            None => unreachable!("the executor creates every context from this type"),
        }
    }

    pub(crate) fn taken(context: Context) -> Self {
        match context.into_inside() {
            Some(inner) => inner,
            None => unreachable!("the executor creates every context from this type"),
        }
    }

    pub(crate) fn of_mut(context: &mut Context) -> &mut Self {
        match context.inside_mut() {
            Some(inner) => inner,
            None => unreachable!("the executor creates every context from this type"),
        }
    }

    /// Returns another handle to the `Tx` of the body.
    pub(crate) fn tx(&self) -> Option<Tx> {
        match self {
            Self::Tx(tx) => Some(tx.handle()),
            Self::Schema(_) | Self::Raw(_) | Self::Backfill(_) => None,
        }
    }

    /// Returns the activity of a `Schema` body, which others need to end its commands.
    pub(crate) fn activity(&self) -> Option<Activity> {
        match self {
            Self::Schema(schema) => Some(schema.activity()),
            Self::Tx(_) | Self::Raw(_) | Self::Backfill(_) => None,
        }
    }

    /// Runs the checks that are due after the body has returned.
    pub(crate) async fn finish(context: &mut Context) -> Result<(), crate::error::Error> {
        match Self::of_mut(context) {
            Self::Schema(schema) => schema.finish().await,
            Self::Tx(_) | Self::Raw(_) | Self::Backfill(_) => Ok(()),
        }
    }
}
