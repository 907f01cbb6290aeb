//! Entity tags: what a person saw when deciding. A hash of what the decision depends on, never of times.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mongrate::Plan;
use mongrate::lock::LockStatus;
use mongrate::migration::Direction;
use mongrate::migrator::BackfillStatus;
use mongrate::status::Status;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// The entity tag of a plan, a status or a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ETag(String);

/// The tags with which a request confirms what its sender saw: the header `If-Match`, or a field of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Confirmation(Vec<String>);

impl ETag {
    /// `token` is that of the newest lease: whatever ran since may have changed what the plan means.
    pub(crate) fn of_plan(verb: Direction, plan: &Plan, token: i64) -> Self {
        let steps = plan.iter().map(|step| format!("{} {:?}", step.migration().id(), step.state()));
        Self::of([verb.to_string(), token.to_string()].into_iter().chain(steps))
    }

    pub(crate) fn of_status(status: &Status) -> Self {
        let holder = status.holder().map(|holder| format!("{} {} {:?}", holder.host, holder.pid, holder.current));
        let standings = status.iter().map(|standing| {
            let record = standing.record.map(|record| (record.attempts, record.batch, &record.checksum, record.status));
            format!("{} {} {} {record:?}", standing.migration.id(), standing.label(), standing.has_drifted())
        });
        let orphans = status.orphans().iter().map(|orphan| format!("orphan {} {:?}", orphan.id, orphan.status));
        Self::of(holder.into_iter().chain(standings).chain(orphans))
    }

    /// Of backfills and how far they have come.
    pub(crate) fn of_backfills<'a>(backfills: impl IntoIterator<Item = &'a BackfillStatus>) -> Self {
        Self::of(backfills.into_iter().map(|backfill| format!("{backfill:?}")))
    }

    /// Of the lease and its holder, so that a confirmed release does not meet another holder.
    pub(crate) fn of_lock(lock: &LockStatus) -> Self {
        let holder = lock.holder.as_ref().map(|holder| format!("{} {}", holder.host, holder.pid));
        Self::of([lock.token.to_string()].into_iter().chain(holder))
    }

    fn of(parts: impl IntoIterator<Item = String>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
            hash.update([0]);
        }
        Self(URL_SAFE_NO_PAD.encode(&hash.finalize()[..12]))
    }

    /// Returns whether the header `If-None-Match` names it, so that nothing has changed since.
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
        tags.any(|tag| tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == self.0)
    }

    /// The value of the header `ETag`.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&format!("\"{self}\"")).unwrap_or(HeaderValue::from_static("\"\""))
    }
}

/// The value of a form's hidden field.
impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Confirmation {
    /// Of the hidden field of a form.
    pub(crate) fn field(tag: Option<&str>) -> Self {
        Self(tag.into_iter().map(str::to_owned).collect())
    }

    /// Returns whether nothing was confirmed.
    pub(crate) fn is_missing(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the sender saw what is there now. A missing confirmation confirms nothing.
    pub(crate) fn matches(&self, current: &ETag) -> bool {
        self.0.contains(&current.0)
    }
}

impl<S: Sync> FromRequestParts<S> for Confirmation {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(IF_MATCH) {
            let malformed = || Problem::bad_request("`If-Match` needs the value of an `ETag`, in its quotes");
            for tag in value.to_str().map_err(|_| malformed())?.split(',').map(str::trim) {
                if tag == "*" {
                    let problem = Problem::bad_request("`If-Match: *` confirms nothing");
                    return Err(problem.help("send the `ETag` of what you saw"));
                }
                let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or_else(malformed)?;
                tags.push(tag.to_owned());
            }
        }
        Ok(Self(tags))
    }
}
