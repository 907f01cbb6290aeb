//! The status of the lock.

use std::fmt;
use std::time::Duration;

use mongodb::bson::DateTime;

use super::stop_request::StopRequest;
use super::{LeaseDocument, Lock, Store};
use crate::display::Elapsed;
use crate::error::Error;
use crate::record::Holder;

/// The status of the migration lock.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LockStatus {
    /// The process that holds the lock. `None` if the lock is free.
    pub holder: Option<Holder>,
    /// Time since the holder acquired the lock, by the server's clock.
    pub held_for: Option<Duration>,
    /// Time of the holder's last heartbeat, which is that of acquiring the lock at first (UTC, the server's clock).
    pub last_heartbeat: Option<DateTime>,
    /// Time at which the lease expires unless a heartbeat prolongs it (UTC, the server's clock).
    pub expires_at: Option<DateTime>,
    /// Time until the lease expires unless a heartbeat prolongs it, by the server's clock. Zero if it has expired.
    pub expires_in: Option<Duration>,
    /// The request to the holder to stop, until the lease is released; see [`Migrator::request_stop`].
    ///
    /// [`Migrator::request_stop`]: crate::Migrator::request_stop
    pub stop_requested: Option<StopRequest>,
    /// The token of the newest lease, which only increases. 0 if this database was never migrated.
    pub token: i64,
}

impl<S: Store> Lock<S> {
    /// Reads the status: one command.
    pub(crate) async fn status(&self) -> Result<LockStatus, Error> {
        let seen = self.lease_document().await?;
        let token = seen.as_ref().map_or(0, |document| document.token);
        let held = seen.filter(|document| document.holder.is_some());
        Ok(LockStatus {
            token,
            held_for: held.as_ref().and_then(|held| held.held_ms).map(|ms| Duration::from_millis(ms.unsigned_abs())),
            last_heartbeat: held.as_ref().and_then(LeaseDocument::prolonged_at),
            expires_at: held.as_ref().and_then(|held| held.expires_at),
            expires_in: held.as_ref().and_then(LeaseDocument::expires_in),
            stop_requested: held.as_ref().and_then(|held| held.stop.clone()),
            holder: held.and_then(|held| held.holder),
        })
    }
}

impl fmt::Display for LockStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(holder) = &self.holder else { return f.write_str("The migration lock is free.") };
        write!(f, "The migration lock is held by {holder}")?;
        if let Some(held_for) = self.held_for {
            write!(f, "; acquired {} ago", Elapsed(held_for))?;
        }
        if let (false, Some(Ok(expires))) = (holder.expired, self.expires_at.map(DateTime::try_to_rfc3339_string)) {
            write!(f, ", expires at {expires} unless prolonged")?;
        }
        if let Some(request) = &self.stop_requested {
            write!(f, "; {request}")?;
        }
        f.write_str(".")
    }
}
