//! Asks the members of a replica set how far they are, and the primary for its cache.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::error::Result;
use mongodb::options::{SelectionCriteria, ServerAddress};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::reading::{Reading, Signal};
use crate::error::{Readable, is_permanent};
use crate::store::primary;

/// How long to wait for the secondaries. Whoever does not answer is not counted: it may be gone.
const MEMBERS: Duration = Duration::from_millis(1_500);

/// How long to wait for the primary.
const PRIMARY: Duration = Duration::from_secs(10);

/// When a command without an answer is given up.
const LOST: Duration = Duration::from_secs(60);

/// The members, as seen through a connection.
pub(super) struct Members {
    database: Database,
    /// The primary's last write when it was last asked.
    before: Option<DateTime>,
    /// Members that have not answered yet. They are not asked again meanwhile.
    overdue: HashMap<ServerAddress, (Instant, Answer)>,
    /// Whether the primary may be asked for its cache.
    with_cache: bool,
}

type Answer = JoinHandle<Result<Document>>;

impl Members {
    pub(super) fn new(database: Database) -> Self {
        Self { database, before: None, overdue: HashMap::new(), with_cache: true }
    }

    /// Ends a series of [`read`](Self::read).
    pub(super) fn forget(&mut self) {
        self.before = None;
    }

    /// Reads all signals. What is not known is left out.
    ///
    /// A lag counts from the second time on: the member must lack what the primary had the time before. Otherwise, the first
    /// write after an idle time would look like a lag of that time.
    pub(super) async fn read(&mut self) -> Vec<Reading> {
        let mut readings = Vec::new();
        let hello = timeout(PRIMARY, self.send(doc! { "hello": 1 }, primary())).await;
        let Ok(Ok(Ok(hello))) = hello else {
            self.forget();
            return readings;
        };
        // A standalone server and a router have none.
        if let Some(newest) = date(&hello, "lastWriteDate") {
            let before = self.before.replace(newest);
            let reading = |signal, reached| Some(Reading { signal, value: lag(newest, before, reached)? });
            readings.extend(date(&hello, "majorityWriteDate").and_then(|reached| reading(Signal::Majority, reached)));
            let reached = self.secondaries(secondaries(&hello)).await;
            readings
                .extend(reached.into_iter().filter_map(|(member, reached)| reading(Signal::Member(member), reached)));
        }
        readings.extend(self.dirty_cache().await.map(|value| Reading { signal: Signal::DirtyCache, value }));
        readings
    }

    /// Asks these members for their last write, all at once.
    async fn secondaries(&mut self, members: Vec<ServerAddress>) -> Vec<(ServerAddress, DateTime)> {
        let now = Instant::now();
        self.overdue.retain(|_, (asked, answer)| !answer.is_finished() && asked.elapsed() < LOST);
        let members: Vec<_> = members.into_iter().filter(|member| !self.overdue.contains_key(member)).collect();
        let asked: Vec<_> =
            members.into_iter().map(|member| (self.send(doc! { "hello": 1 }, only(&member)), member)).collect();
        let mut reached = Vec::new();
        for (mut answer, member) in asked {
            match timeout_at(now + MEMBERS, &mut answer).await {
                Ok(Ok(Ok(hello))) if hello.get_bool("secondary").unwrap_or(false) => {
                    reached.extend(date(&hello, "lastWriteDate").map(|reached| (member, reached)));
                }
                Ok(_) => {}
                Err(_) => {
                    tracing::debug!(%member, "a member does not answer; its lag is not known");
                    self.overdue.insert(member, (now, answer));
                }
            }
        }
        reached
    }

    /// Returns the percentage of the primary's cache that is dirty.
    async fn dirty_cache(&mut self) -> Option<u64> {
        if !self.with_cache {
            return None;
        }
        let sections = ["metrics", "locks", "network", "opLatencies", "repl", "tcmalloc", "transactions"];
        let mut command = doc! { "serverStatus": 1 };
        command.extend(sections.map(|section| (section.to_owned(), Bson::Int32(0))));
        match timeout(PRIMARY, self.send(command, primary())).await.ok()?.ok()? {
            Ok(status) => dirty_percent(&status),
            Err(error) => {
                self.with_cache = !is_permanent(&error);
                tracing::debug!(error = %Readable(&error), "the state of the primary's cache is not known");
                None
            }
        }
    }

    /// Sends a command in a task of its own, because a call of the driver must not be dropped.
    fn send(&self, command: Document, to: SelectionCriteria) -> Answer {
        let database = self.database.clone();
        tokio::spawn(async move { database.run_command(command).selection_criteria(to).await })
    }
}

/// Selects this member.
fn only(member: &ServerAddress) -> SelectionCriteria {
    let member = member.clone();
    SelectionCriteria::Predicate(Arc::new(move |server| *server.address() == member))
}

/// The other members that hold data. The server lists none that is hidden or delayed.
fn secondaries(hello: &Document) -> Vec<ServerAddress> {
    let own = hello.get_str("me").unwrap_or_default();
    let listed = ["hosts", "passives"].into_iter().filter_map(|field| hello.get_array(field).ok()).flatten();
    let others = listed.filter_map(Bson::as_str).filter(|address| *address != own);
    others.filter_map(|address| ServerAddress::parse(address).ok()).collect()
}

fn date(hello: &Document, field: &str) -> Option<DateTime> {
    hello.get_document("lastWrite").ok()?.get_datetime(field).ok().copied()
}

/// Returns how many seconds there are from the write that is `reached` to the newest. Returns `None` if that is not known to be a
/// lag.
fn lag(newest: DateTime, before: Option<DateTime>, reached: DateTime) -> Option<u64> {
    let millis = newest.timestamp_millis().checked_sub(reached.timestamp_millis())?;
    before.filter(|before| reached < *before).and_then(|_| u64::try_from(millis / 1_000).ok())
}

fn dirty_percent(status: &Document) -> Option<u64> {
    let cache = status.get_document("wiredTiger").ok()?.get_document("cache").ok()?;
    let bytes = |field: &str| match cache.get(field)? {
        Bson::Int32(bytes) => u64::try_from(*bytes).ok(),
        Bson::Int64(bytes) => u64::try_from(*bytes).ok(),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size")]
        Bson::Double(bytes) => Some(*bytes as u64),
        _ => None,
    };
    let dirty = bytes("tracked dirty bytes in the cache")?;
    dirty.saturating_mul(100).checked_div(bytes("maximum bytes configured")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime {
        DateTime::from_millis(second * 1_000)
    }

    #[test]
    fn a_lag_counts_if_the_write_before_is_not_reached() {
        assert_eq!(lag(at(12), Some(at(10)), at(7)), Some(5));
        // Not asked before.
        assert_eq!(lag(at(12), None, at(7)), None);
        // The primary was idle since then.
        assert_eq!(lag(at(12), Some(at(2)), at(2)), None);
        // Another member became the primary.
        assert_eq!(lag(at(12), Some(at(20)), at(15)), None);
    }

    #[test]
    fn secondaries_are_those_of_the_reply() {
        let hello = doc! {
            "me": "h1:27017", "hosts": ["h1:27017", "h2:27018"], "passives": ["h3"], "arbiters": ["h4:27017"],
        };
        let found: Vec<_> = secondaries(&hello).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["h2:27018", "h3:27017"]);
        assert_eq!(secondaries(&doc! { "isWritablePrimary": true }), []);
    }

    #[test]
    fn the_dirty_part_of_the_cache_is_a_percentage() {
        let status = |dirty: Bson, size: Bson| {
            let cache = doc! { "tracked dirty bytes in the cache": dirty, "maximum bytes configured": size };
            dirty_percent(&doc! { "wiredTiger": { "cache": cache } })
        };
        assert_eq!(status(Bson::Int32(159), Bson::Int64(1_000)), Some(15));
        assert_eq!(status(Bson::Double(5e9), Bson::Double(1e10)), Some(50));
        assert_eq!(status(Bson::Int32(1), Bson::Int32(0)), None);
        assert_eq!(dirty_percent(&doc! { "ok": 1 }), None);
    }
}
