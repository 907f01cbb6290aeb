//! The lock as people look at it.

use std::fmt;
use std::time::Duration;

use mongodb::bson::DateTime;

use crate::display::Elapsed;
use crate::error::Error;
use crate::record::Holder;
use {super::Lock, super::Store};

/// Who holds the migration lock, and for how long by the server's clock.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LockStatus {
    /// The holder with its host, process, actor and current migration; `None` when the lock is free.
    pub holder: Option<Holder>,
    /// For how long the holder has had it.
    pub held_for: Option<Duration>,
    /// When the lease ends, unless a heartbeat prolongs it (UTC).
    pub expires_at: Option<DateTime>,
    /// The token of the newest lease, which only rises; 0 when nobody has ever migrated here.
    pub token: i64,
}

impl<S: Store> Lock<S> {
    /// One read.
    pub(crate) async fn status(&self) -> Result<LockStatus, Error> {
        let seen = self.sighting().await?;
        let token = seen.as_ref().map_or(0, |sighting| sighting.token);
        let held = seen.filter(|sighting| sighting.holder.is_some());
        Ok(LockStatus {
            token,
            held_for: held.as_ref().and_then(|held| held.held_ms).map(|ms| Duration::from_millis(ms.unsigned_abs())),
            expires_at: held.as_ref().and_then(|held| held.expires_at),
            holder: held.and_then(|held| held.holder),
        })
    }
}

impl fmt::Display for LockStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(holder) = &self.holder else { return f.write_str("The migration lock is free.") };
        write!(f, "The migration lock is held by {holder}")?;
        if let Some(held_for) = self.held_for {
            write!(f, "; for {} now", Elapsed(held_for))?;
        }
        if let (false, Some(Ok(expires))) = (holder.expired, self.expires_at.map(DateTime::try_to_rfc3339_string)) {
            write!(f, ", until {expires} unless it is prolonged")?;
        }
        f.write_str(".")
    }
}
