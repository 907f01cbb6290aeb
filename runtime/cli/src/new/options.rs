//! The arguments of `new`.

use clap::{Args, ValueEnum};
use mongrate::migration::template;

#[expect(clippy::doc_markdown, reason = "help texts are no Markdown")]
#[derive(Clone, Debug, Args)]
pub(crate) struct New {
    /// What the migration does: add_roles or "Add roles"
    #[arg(value_parser = template::name)]
    pub(super) name: String,

    /// system, module:NAME or plugin:NAME [default: the source in Cargo.toml, or system]
    #[arg(long, value_parser = template::source)]
    pub(super) source: Option<String>,

    /// What the migration may change
    #[arg(long, default_value = "tx")]
    pub(super) kind: Kind,

    /// Add a `down` function, which reverts it
    #[arg(long)]
    pub(super) reversible: bool,

    /// Doc comment [default: the name as a sentence]
    #[arg(long, value_name = "TEXT")]
    pub(super) description: Option<String>,

    /// Number it with today's date; later migrations get dates, too
    #[arg(long)]
    pub(super) dated: bool,

    /// Show the code and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What the argument lets a migration do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Documents, in one transaction: exactly once
    Tx,
    /// Indexes, collections and validators, outside transactions: at least once
    Schema,
    /// Many documents of a large collection, in batches: each exactly once
    Backfill,
    /// Everything, outside transactions: at least once
    Database,
}

impl From<Kind> for mongrate::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Tx => Self::Tx,
            Kind::Schema => Self::Schema,
            Kind::Backfill => Self::Backfill,
            Kind::Database => Self::Database,
        }
    }
}
