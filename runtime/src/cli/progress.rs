//! What is under way, while it is.

use std::future::IntoFuture;

use super::session::Session;
use crate::{Error, Migrator, Report};

/// Waits for a run, and shows how it goes.
pub(super) async fn shown(
    _session: &Session,
    _migrator: &Migrator,
    run: impl IntoFuture<Output = Result<Report, Error>>,
) -> Result<Report, Error> {
    run.await
}
