//! The faces of an admin that need access.

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    Page,
    Api,
}
