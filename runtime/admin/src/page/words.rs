//! What views are made of: badges, times, links and errors.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};
use mongodb::bson::DateTime;
use mongrate::Migration;
use mongrate::display::{Elapsed, iso_8601, plural};
use mongrate::record::RecordStatus;
use mongrate::status::{Standing, Status};

use super::view::View;
use crate::call::Call;
use crate::site::Site;
pub(crate) use crate::text::visible;

/// What a color means. It always accompanies a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Calm,
    Good,
    Bad,
    Busy,
}

impl Tone {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Good => "ok",
            Self::Bad => "bad",
            Self::Busy => "run",
        }
    }

    /// The tone of a [`Standing::label`].
    pub(crate) fn of(label: &str) -> Self {
        match label {
            "completed" => Self::Good,
            "failed" | "partial" => Self::Bad,
            "running" | "underway" | "interrupted" => Self::Busy,
            _ => Self::Calm,
        }
    }
}

pub(crate) fn badge(tone: Tone, word: &str) -> Markup {
    html! { span.badge.(tone.class()) { (capitalized(word)) } }
}

/// The status of a migration as a badge.
pub(crate) fn standing_badge(standing: &Standing<'_>) -> Markup {
    if standing.has_drifted() {
        return badge(Tone::Busy, "changed");
    }
    badge(Tone::of(standing.label()), standing.label())
}

/// The stored status of an execution as a badge.
pub(crate) fn record_badge(status: RecordStatus) -> Markup {
    let word = status.as_str().replace('-', " ");
    badge(Tone::of(&word), &word)
}

/// A sentence, in which backticks enclose code.
pub(crate) fn prose(text: &str) -> Markup {
    let text = visible(text);
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A link to a migration in its own state.
pub(crate) fn chip(site: &Site, status: &Status, id: &str) -> Markup {
    let standing = status.get(id);
    let label = standing.as_ref().map_or("of another source", Standing::label);
    let tone = standing.as_ref().map_or(Tone::Calm, |standing| Tone::of(standing.label()));
    html! {
        a.dep.(tone.class()) href=(migration(site, id)) title=(label) { (visible(id)) span.hidden { ", " (label) } }
    }
}

/// The address of the view of a migration.
pub(crate) fn migration(site: &Site, id: &str) -> String {
    View::Migration.url(site, &[("id", id)])
}

/// A link to a migration.
pub(crate) fn id(site: &Site, id: &str) -> Markup {
    html! { a.id href=(migration(site, id)) { (visible(id)) } }
}

/// What its body takes, and whether it can be reverted: `Tx, reversible`.
pub(crate) fn kind(migration: Migration) -> String {
    let name = match migration.kind() {
        mongrate::Kind::Tx => "Tx",
        mongrate::Kind::Schema => "Schema",
        mongrate::Kind::Backfill => "Backfill",
        _ => "Database",
    };
    if migration.is_reversible() { format!("{name}, reversible") } else { name.to_owned() }
}

/// An error with its causes as this person may see them, to unfold. `id` is unique on the page, so that it stays open when the page is refreshed.
pub(crate) fn error(call: &Call, id: &str, message: &str, causes: &[String]) -> Markup {
    html! {
        details.error id=(id) {
            summary { "Show error" }
            pre id=(format!("{id}-text")) { (visible(&call.error_text(message))) @for cause in causes { "\ncaused by: " (visible(&call.error_text(cause))) } }
            button.copy type="button" hidden data-copy=(format!("{id}-text")) { "Copy" }
        }
    }
}

/// The causes of the last error.
pub(crate) fn causes<'s>(standing: &Standing<'s>) -> &'s [String] {
    standing.record.and_then(|record| record.error_stack.as_deref()).unwrap_or_default()
}

/// A point in time: in UTC as text; the script adds the local time on hover.
pub(crate) fn time(date: DateTime) -> Markup {
    let Some(iso) = iso_8601(date) else { return html! { "unknown" } };
    html! { time datetime=(iso) { (day_and_time(&iso)) } }
}

/// How long ago something was.
pub(crate) fn ago(date: DateTime) -> Markup {
    let Some(iso) = iso_8601(date) else { return html! { "unknown" } };
    let passed = SystemTime::now().duration_since(date.to_system_time()).unwrap_or_default();
    html! { time datetime=(iso) title=(format!("{} UTC", day_and_time(&iso))) { (passed_since(passed)) } }
}

/// A stored time that is already a text.
pub(crate) fn iso_time(iso: &str) -> Markup {
    html! { time datetime=(iso) { (day_and_time(iso)) } }
}

/// A duration in milliseconds.
pub(crate) fn millis(millis: u64) -> String {
    elapsed(Duration::from_millis(millis))
}

pub(crate) fn elapsed(duration: Duration) -> String {
    Elapsed(duration).to_string()
}

/// A duration without fractions of a second, for what changes while somebody looks at it.
pub(crate) fn whole(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => elapsed(Duration::from_secs(seconds)),
    }
}

fn passed_since(passed: Duration) -> String {
    let minutes = passed.as_secs() / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} ago", plural(minutes / 1440, "day")),
    }
}

/// Formats `2026-11-27T10:38:02.123Z` as `27 Nov 2026, 10:38:02`.
fn day_and_time(iso: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (date, time) = iso.split_once('T').unwrap_or((iso, ""));
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let month = month.and_then(|month| MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?));
    let time = time.split(['.', 'Z']).next().unwrap_or_default();
    match (year, month, day) {
        (Some(year), Some(month), Some(day)) => format!("{} {month} {year}, {time}", day.trim_start_matches('0')),
        _ => iso.to_owned(),
    }
}

pub(crate) fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A sentence with its full stop.
pub(crate) fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { capitalized(text) } else { format!("{}.", capitalized(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(day_and_time("2026-05-02T08:12:40.123Z"), "2 May 2026, 08:12:40");
        assert_eq!(day_and_time("2026-12-31T23:59:59Z"), "31 Dec 2026, 23:59:59");
        let passed = [30, 240, 7_200, 172_800].map(|seconds| passed_since(Duration::from_secs(seconds)));
        assert_eq!(passed, ["just now", "4 min ago", "2 h ago", "2 days ago"]);
    }
}
