//! How a run begins on a database without records.

use std::fmt;
use std::sync::Arc;

use mongodb::{BoxFuture, Database};

use crate::migration::registration::BoxError;

/// What was applied to a database before Mongrate kept records; the answer of
/// [`MigratorBuilder::first_use`](crate::MigratorBuilder::first_use).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirstUse {
    /// Nothing. All migrations run.
    New,
    /// This migration (qualified id) and everything before it in plan order.
    Through(String),
    /// These migrations (qualified ids). Their dependencies have to be among them.
    Applied(Vec<String>),
}

/// The application's function.
pub(crate) type Question = Arc<dyn Fn(Database) -> BoxFuture<'static, Result<FirstUse, BoxError>> + Send + Sync>;

/// How a run begins on a database without records.
#[derive(Clone, Default)]
pub(crate) enum Unrecorded {
    /// It is refused if it shows effects of migrations.
    #[default]
    Verify,
    /// It counts as new.
    New,
    /// The application is asked.
    Ask(Question),
}

impl Unrecorded {
    /// Returns whether the answer may leave fewer migrations to run.
    pub(crate) fn may_shorten(&self) -> bool {
        matches!(self, Self::Ask(_))
    }
}

impl fmt::Debug for Unrecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verify => "Verify",
            Self::New => "New",
            Self::Ask(_) => "Ask",
        })
    }
}
