//! What a dry run found: the operations of each step with their counts, and samples as differences.

use maud::{Markup, html};
use mongodb::bson::{Bson, Document};
use mongrate::Report;
use mongrate::display::{Count, Json, plural};
use mongrate::report::{Counts, Execution, Operation, Outcome, Prediction};

use super::words::{self, Tone, visible};
use crate::site::Site;

/// The operations that are listed one by one.
const LISTED: usize = 20;

/// Documents by what happened to them.
type Column = (&'static str, fn(&Counts) -> u64);

const COLUMNS: [Column; 4] = [
    ("Matched", |counts| counts.matched),
    ("Modified", |counts| counts.modified),
    ("Inserted", |counts| counts.inserted),
    ("Deleted", |counts| counts.deleted),
];

/// The outcome of a step.
pub(crate) fn outcome(outcome: &Outcome) -> Markup {
    let (tone, word) = match outcome {
        Outcome::Applied => (Tone::Good, "applied"),
        Outcome::Reverted => (Tone::Good, "reverted"),
        Outcome::Failed { .. } => (Tone::Bad, "failed"),
        Outcome::Stopped { .. } => (Tone::Busy, "stopped"),
        Outcome::Underway => (Tone::Busy, "underway"),
        Outcome::WouldApply => (Tone::Good, "would be applied"),
        Outcome::WouldRevert => (Tone::Good, "would be reverted"),
        Outcome::WouldFail => (Tone::Bad, "would fail"),
        Outcome::NotSimulated { .. } => (Tone::Busy, "not simulated"),
        _ => (Tone::Calm, "unknown"),
    };
    words::badge(tone, word)
}

/// The steps of a dry run with what was found.
pub(crate) fn steps(site: &Site, report: &Report) -> Markup {
    html! {
        ol.steps {
            @for (index, execution) in report.executions().enumerate() {
                li {
                    span.no { (index + 1) }
                    div.what {
                        (words::id(site, &execution.id)) " " (outcome(&execution.outcome))
                        (found(&format!("found-{index}"), execution))
                    }
                }
            }
        }
    }
}

/// The findings about one step, to unfold. `key` is unique on the page.
pub(crate) fn found(key: &str, execution: &Execution) -> Markup {
    html! {
        @match &execution.outcome {
            Outcome::Failed { message, .. } => p.error { (visible(&words::capitalized(message))) },
            Outcome::NotSimulated { reason } => p.needs { (visible(&words::capitalized(reason))) },
            _ => {}
        }
        @for note in &execution.notes { p.needs { (visible(&words::sentence(note))) } }
        @if !execution.operations.is_empty() {
            details.found id=(key) open {
                summary { "Dry run: " (summary(&execution.operations)) }
                (table(&execution.operations))
                @for operation in &execution.operations { (notes(operation)) (samples(operation)) }
            }
        }
    }
}

/// The size of the change in a few words.
fn summary(operations: &[Operation]) -> String {
    let changed: u64 = operations.iter().map(|o| o.counts.modified + o.counts.inserted + o.counts.deleted).sum();
    let count = plural(operations.len() as u64, "operation");
    if changed == 0 { count } else { format!("{count}, {} changed", plural(changed, "document")) }
}

fn table(operations: &[Operation]) -> Markup {
    let is_used = |count: fn(&Counts) -> u64| operations.iter().any(|operation| count(&operation.counts) > 0);
    let columns: Vec<_> = COLUMNS.into_iter().filter(|(_, count)| is_used(*count)).collect();
    let is_predicted = operations.iter().any(|operation| operation.prediction.is_some());
    let others = operations.len().saturating_sub(LISTED) as u64;
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th scope="col" { "Operation" }
                        @if is_predicted { th scope="col" { "Effect" } }
                        @for (name, _) in &columns { th.num scope="col" { (name) } }
                    }
                }
                tbody {
                    @for operation in operations.iter().take(LISTED) {
                        tr {
                            td { code { (operation.kind) } " " (visible(&operation.collection)) }
                            @if is_predicted { td data-name="Effect" { (operation.prediction.map_or("", predicted)) } }
                            @for (name, count) in &columns { td.num data-name=(name) { (Count(count(&operation.counts)).to_string()) } }
                        }
                    }
                }
            }
        }
        @if others > 0 { p.needs { "and " (plural(others, "more operation")) } }
    }
}

fn predicted(prediction: Prediction) -> &'static str {
    match prediction {
        Prediction::NothingToDo => "nothing to do",
        Prediction::WouldChange => "would change",
        Prediction::WouldFail => "would fail",
        _ => "cannot tell",
    }
}

fn notes(operation: &Operation) -> Markup {
    html! { @for note in &operation.notes { p.needs { (visible(&operation.collection)) ": " (visible(note)) } } }
}

fn samples(operation: &Operation) -> Markup {
    html! {
        @if !operation.samples.is_empty() {
            pre.diff tabindex="0" aria-label=(format!("Samples of {}", operation.collection)) {
                @for (index, sample) in operation.samples.iter().enumerate() {
                    @if index > 0 { "\n" }
                    @for (sign, line) in lines(sample.before.as_ref(), sample.after.as_ref()) {
                        span class=[class(sign)] { (sign) " " (visible(&line)) } "\n"
                    }
                }
            }
        }
    }
}

fn class(sign: char) -> Option<&'static str> {
    match sign {
        '-' => Some("cut"),
        '+' => Some("add"),
        _ => None,
    }
}

/// The fields that differ, below the `_id`.
fn lines(before: Option<&Document>, after: Option<&Document>) -> Vec<(char, String)> {
    let empty = Document::new();
    let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
    let line = |sign, name: &str, value: &Bson| (sign, format!("{name}: {}", Json(value)));
    let mut lines = Vec::new();
    if let (Some(id), true) = (before.get("_id"), before.get("_id") == after.get("_id")) {
        lines.push(line(' ', "_id", id));
    }
    for (name, value) in before.iter().filter(|(name, value)| after.get(name) != Some(*value)) {
        lines.push(line('-', name, value));
        lines.extend(after.get(name).map(|value| line('+', name, value)));
    }
    let added = after.iter().filter(|(name, _)| !before.contains_key(name));
    lines.extend(added.map(|(name, value)| line('+', name, value)));
    lines
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    fn shown(before: Option<&Document>, after: Option<&Document>) -> Vec<String> {
        lines(before, after).into_iter().map(|(sign, line)| format!("{sign} {line}")).collect()
    }

    #[test]
    fn only_differences_are_shown() {
        let before = doc! { "_id": 1, "name": "Ana", "mail": "A@B", "old": true };
        let after = doc! { "_id": 1, "name": "Ana", "mail": "a@b", "role": "member" };
        let expected = ["  _id: 1", "- mail: \"A@B\"", "+ mail: \"a@b\"", "- old: true", "+ role: \"member\""];
        assert_eq!(shown(Some(&before), Some(&after)), expected);
        assert_eq!(shown(None, Some(&doc! { "_id": 1 })), ["+ _id: 1"]);
        assert_eq!(shown(Some(&doc! { "_id": 1 }), None), ["- _id: 1"]);
    }
}
