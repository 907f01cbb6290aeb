//! Backfills that have started and not completed.

use mongrate::migrator::BackfillStatus;
use mongrate::status::Status;
use mongrate::{Error, Kind, Migrator};

/// Reads how far the backfills of a status have come. Sends nothing to the database if there can be none.
pub(crate) async fn read(migrator: &Migrator, status: &Status) -> Result<Vec<BackfillStatus>, Error> {
    let may_be_open = status.iter().any(|standing| {
        standing.migration.kind() == Kind::Backfill && standing.record.is_some() && standing.state.is_pending()
    });
    if may_be_open { migrator.backfills().await } else { Ok(Vec::new()) }
}
