//! The filters of the history, as a query says them.

use mongodb::bson::DateTime;
use mongrate::Migrator;
use mongrate::history::Cursor;
use mongrate::migrator::{History, HistoryPage};
use mongrate::record::{Act, RecordStatus};
use serde::Deserialize;

use crate::problem::Problem;
use crate::selection::text;

/// The entries of one page.
const ROWS: u32 = 50;

/// The values and words of the results.
pub(super) const STATUSES: [(&str, &str); 4] =
    [("completed", "Completed"), ("failed", "Failed"), ("rolled-back", "Rolled back"), ("running", "Interrupted")];

const ALL: [Act; 13] = [
    Act::Up,
    Act::Down,
    Act::Run,
    Act::Verify,
    Act::MarkApplied,
    Act::MarkPending,
    Act::Baseline,
    Act::Accept,
    Act::Prune,
    Act::Steer,
    Act::Cancel,
    Act::Restart,
    Act::Unlock,
];

/// The filters. What a form leaves empty selects everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Filter {
    #[serde(deserialize_with = "text")]
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) source: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) migration: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) act: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) by: Option<String>,
    /// A day or a time, inclusive.
    #[serde(deserialize_with = "text")]
    pub(super) since: Option<String>,
    /// A day, inclusive, or a time, exclusive.
    #[serde(deserialize_with = "text")]
    pub(super) until: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) cursor: Option<String>,
}

impl Filter {
    pub(super) async fn query(&self, migrator: &Migrator) -> Result<HistoryPage, Problem> {
        Ok(self.history(migrator)?.limit(ROWS).await?)
    }

    fn history(&self, migrator: &Migrator) -> Result<History, Problem> {
        let mut history = migrator.history();
        if let Some(word) = &self.status {
            history =
                history.status(status(word).ok_or_else(|| malformed("status", word, "one of the listed results"))?);
        }
        if let Some(word) = &self.act {
            let act = ALL.into_iter().find(|act| act.to_string() == *word);
            history = history.act(act.ok_or_else(|| malformed("act", word, "one of the listed acts"))?);
        }
        if let Some(name) = &self.source {
            history = history.source(name);
        }
        if let Some(id) = &self.migration {
            history = history.migration(id);
        }
        if let Some(name) = &self.by {
            history = history.by(name);
        }
        if let Some(text) = &self.since {
            history = history.since(start(text).ok_or_else(|| not_a_time("since", text))?);
        }
        if let Some(text) = &self.until {
            history = history.until(end(text).ok_or_else(|| not_a_time("until", text))?);
        }
        if let Some(text) = &self.cursor {
            let cursor = text.parse::<Cursor>().map_err(|error| Problem::bad_request(error.to_string()))?;
            history = history.after(&cursor);
        }
        Ok(history)
    }

    /// Returns whether everything is selected.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs(None).is_empty()
    }

    /// The query with these filters, from this position on.
    pub(super) fn pairs<'a>(&'a self, cursor: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
        let Self { status, source, migration, act, by, since, until, cursor: _ } = self;
        let filters = [
            ("status", status),
            ("source", source),
            ("migration", migration),
            ("act", act),
            ("by", by),
            ("since", since),
            ("until", until),
        ];
        let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        filters.chain(cursor.map(|cursor| ("cursor", cursor))).collect()
    }
}

/// The values and words of the acts.
pub(super) fn acts() -> impl Iterator<Item = (String, &'static str)> {
    ALL.into_iter().map(|act| (act.to_string(), name(act)))
}

pub(super) fn name(act: Act) -> &'static str {
    match act {
        Act::Up => "Up",
        Act::Down => "Down",
        Act::Run => "Run",
        Act::Verify => "Verify",
        Act::MarkApplied => "Marked applied",
        Act::MarkPending => "Marked pending",
        Act::Baseline => "Baseline",
        Act::Accept => "Accepted",
        Act::Prune => "Pruned",
        Act::Steer => "Backfill steered",
        Act::Cancel => "Backfill canceled",
        Act::Restart => "Backfill restarted",
        Act::Unlock => "Lock released",
        _ => "Other",
    }
}

fn status(word: &str) -> Option<RecordStatus> {
    let all = [RecordStatus::Completed, RecordStatus::Failed, RecordStatus::RolledBack, RecordStatus::Running];
    all.into_iter().find(|status| status.as_str() == word)
}

/// The beginning of a day in UTC, or a time.
fn start(text: &str) -> Option<DateTime> {
    DateTime::parse_rfc3339_str(text).or_else(|_| DateTime::parse_rfc3339_str(format!("{text}T00:00:00Z"))).ok()
}

/// The end of a day in UTC, or a time.
fn end(text: &str) -> Option<DateTime> {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let next_day = || start(text).map(|day| DateTime::from_millis(day.timestamp_millis() + DAY));
    DateTime::parse_rfc3339_str(text).ok().or_else(next_day)
}

fn malformed(name: &str, value: &str, expected: &str) -> Problem {
    Problem::bad_request(format!("the filter `{name}` is malformed: '{value}'"))
        .help(format!("`{name}` takes {expected}"))
}

fn not_a_time(name: &str, value: &str) -> Problem {
    malformed(name, value, "a day such as `2026-05-02`, or a time such as `2026-05-02T10:00:00Z`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_included() {
        let millis = |time: Option<DateTime>| time.map(DateTime::timestamp_millis);
        let next = DateTime::parse_rfc3339_str("2026-05-03T00:00:00Z").unwrap();
        assert_eq!(millis(end("2026-05-02")), Some(next.timestamp_millis()));
        assert_eq!(millis(end("2026-05-03T00:00:00Z")), Some(next.timestamp_millis()));
        assert_eq!(millis(start("2026-05-03")), Some(next.timestamp_millis()));
        assert_eq!(start("yesterday"), None);
    }
}
