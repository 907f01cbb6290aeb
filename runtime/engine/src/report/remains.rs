//! What is left of a migration that did not end well.

/// What a migration that did not end well has left in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remains {
    /// Nothing: it ran in a transaction, which was rolled back.
    Nothing,
    /// What it did before it ended: it ran outside a transaction, and runs again from its beginning.
    Repeatable,
    /// What it did before it ended, which is on record operation by operation: it took `Schema`, and resumes there.
    Resumable,
    /// Nobody knows how much: a `Tx` body that ran without a transaction, on a server that has none.
    Partial,
    /// All of it: it was committed, and only then its `verify` function said no.
    All,
    /// All of it or nothing, and nobody knows which: the connection was lost in the commit
    /// ([`CommitUnknown`](crate::error::Error::CommitUnknown)). The next run reads it from the record.
    Unknown,
}
