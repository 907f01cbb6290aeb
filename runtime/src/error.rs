//! What can go wrong, as sentences that say what to do next.

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {}
