//! Changes that remain after a failure.

/// The changes of a failed or stopped migration that remain in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remains {
    /// No changes: its transaction was rolled back, or it was refused before it began.
    Nothing,
    /// The changes until it ended. It ran outside a transaction and runs again from its beginning.
    Repeatable,
    /// The changes until it ended, which are recorded. It takes `Schema` or `Backfill`, and resumes where it stopped.
    Resumable,
    /// An unknown part of its changes: a `Tx` body ran without a transaction, on a server that has none.
    Partial,
    /// All changes: it was committed before its `verify` function failed.
    All,
    /// All changes or none: the connection was lost during the commit
    /// ([`CommitUnknown`](crate::error::Error::CommitUnknown)). The next run learns the result from the record.
    Unknown,
}
