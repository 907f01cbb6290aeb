//! The parameters of queries: their names, what they mean, and which values they take.

use std::fmt;
use std::ops::RangeInclusive;

use axum::extract::Query;
use axum::http::Uri;
use mongodb::bson::DateTime;
use serde_json::{Value, json};

use crate::problem::Problem;

/// A parameter of a query.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    kind: Kind,
    pub(crate) description: &'static str,
}

/// The values of a parameter.
#[derive(Clone, Debug)]
enum Kind {
    Text,
    Flag,
    Number(RangeInclusive<u64>),
    OneOf(&'static [&'static str]),
    Time,
}

const fn text(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Text, description }
}

const fn flag(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Flag, description }
}

const fn number(name: &'static str, range: RangeInclusive<u64>, description: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Number(range), description }
}

const fn one_of(name: &'static str, values: &'static [&'static str], description: &'static str) -> Parameter {
    Parameter { name, kind: Kind::OneOf(values), description }
}

const fn time(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Time, description }
}

/// Of `status`.
pub(crate) const OF_STATUS: &[Parameter] = &[
    SOURCE,
    one_of(
        "state",
        &[
            "pending",
            "completed",
            "failed",
            "rolled-back",
            "interrupted",
            "partial",
            "running",
            "underway",
            "manual",
            "canceled",
            "excluded",
        ],
        "Only migrations in this state; `pending` is all that the next run would apply",
    ),
    text("q", "Only migrations with this text in their id or description"),
    flag("drifted", "Whether to select only migrations whose code has changed since they were applied"),
    flag("isolated", "Whether to select only pending migrations that can run alone"),
    number("limit", 1..=1000, "Maximum number of migrations. Default: all"),
    CURSOR,
];

/// Of `history`.
pub(crate) const OF_HISTORY: &[Parameter] = &[
    number("limit", 1..=500, "Maximum number of entries. Default: 100"),
    number(
        "skip",
        0..=i64::MAX as u64,
        "Number of newest entries to skip; with `cursor`, new entries do not shift pages",
    ),
    CURSOR,
    one_of("status", &["running", "completed", "failed", "rolled-back"], "Only entries with this resulting status"),
    SOURCE,
    text("migration", "Only entries of the migration with this qualified id"),
    one_of(
        "act",
        &[
            "up",
            "down",
            "verify",
            "mark-applied",
            "mark-pending",
            "baseline",
            "accept",
            "prune",
            "steer",
            "cancel",
            "restart",
            "unlock",
            "run",
        ],
        "Only entries of this act",
    ),
    text("by", "Only entries of this person or program"),
    time("since", "Only entries at this time or later, such as `2026-05-02T10:00:00Z`"),
    time("until", "Only entries before this time"),
];

/// Of `plan`.
pub(crate) const OF_PLAN: &[Parameter] = &[
    one_of("verb", &["up", "down"], "What to plan. Default: `up`"),
    text("only", "Only these migrations: qualified ids, separated by commas"),
    text("to", "Up to the migration with this qualified id in plan order; for `down`, all that came after it"),
    STEPS,
    flag("batch", "For `down`: all that the last run applied"),
    flag("withDependents", "For `down`: the dependents of the named migrations, too"),
];

/// Of `graph`.
pub(crate) const OF_GRAPH: &[Parameter] = &[
    one_of("format", &["json", "svg", "dot", "mermaid"], "The format. Default: `json`"),
    text("around", "Only the migration with this qualified id, and what it is connected with"),
    number("depth", 0..=1000, "With `around`: the number of edges to follow. Default: all"),
];

/// Of `up` and its aliases.
pub(crate) const OF_UP: &[Parameter] =
    &[DRY_RUN, flag("continueOnError", "Whether to go on after a failure with what does not depend on it")];

/// Of `down`.
pub(crate) const OF_DOWN: &[Parameter] = &[DRY_RUN, STEPS];

/// Of `tenants`.
pub(crate) const OF_TENANTS: &[Parameter] = &[
    text("q", "Only databases with this text in their name"),
    flag("failed", "Only databases that failed or cannot be read, or only the others"),
    number("limit", 1..=200, "Maximum number of databases. Default: 50"),
    CURSOR,
];

const DRY_RUN: Parameter = flag("dryRun", "Whether to show what would happen, and change nothing");
const STEPS: Parameter = number("steps", 1..=u32::MAX as u64, "For `down`: the number of migrations. Default: 1");
const SOURCE: Parameter =
    text("source", "Only migrations of this source: `system`, `module:<name>` or `plugin:<name>`");
const CURSOR: Parameter = text("cursor", "The `next` of the page before");

/// Fails if a query has other parameters, one of them twice, or malformed values.
pub(crate) fn check(parameters: &[Parameter], uri: &Uri) -> Result<(), Problem> {
    let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Query(pairs) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    for (index, (name, value)) in pairs.iter().enumerate() {
        let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
            let names: Vec<_> = parameters.iter().map(|parameter| format!("`{}`", parameter.name)).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Problem::bad_request(format!("unknown query parameter `{name}`"))
                .help(format!("the parameters of this path: {known}")));
        };
        if pairs[..index].iter().any(|(earlier, _)| earlier == name) {
            return Err(Problem::bad_request(format!("the query parameter `{name}` was given twice")));
        }
        if !parameter.kind.takes(value) {
            return Err(Problem::bad_request(format!("the query parameter `{name}` is malformed: '{value}'"))
                .help(format!("`{name}` takes {}", parameter.kind)));
        }
    }
    Ok(())
}

impl Kind {
    fn takes(&self, value: &str) -> bool {
        match self {
            Self::Text => !value.trim().is_empty(),
            Self::Flag => ["true", "false"].contains(&value),
            Self::Number(range) => value.parse().is_ok_and(|number| range.contains(&number)),
            Self::OneOf(values) => values.contains(&value),
            Self::Time => DateTime::parse_rfc3339_str(value).is_ok(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a text that is not empty"),
            Self::Flag => f.write_str("`true` or `false`"),
            Self::Number(range) => write!(f, "a whole number from {} to {}", range.start(), range.end()),
            Self::OneOf(values) => {
                let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                write!(f, "one of {}", values.join(", "))
            }
            Self::Time => f.write_str("a time such as `2026-05-02T10:00:00Z`"),
        }
    }
}

impl Parameter {
    /// The JSON schema of its values.
    pub(crate) fn schema(&self) -> Value {
        match &self.kind {
            Kind::Text => json!({ "type": "string", "minLength": 1 }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Number(range) => json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() }),
            Kind::OneOf(values) => json!({ "type": "string", "enum": values }),
            Kind::Time => json!({ "type": "string", "format": "date-time" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: &[Parameter] = &[
        SOURCE,
        one_of("state", &["pending", "rolled-back"], ""),
        flag("drifted", ""),
        number("limit", 1..=1000, ""),
        time("since", ""),
    ];

    fn refusal(query: &str) -> Option<(String, Option<String>)> {
        let uri = format!("/status?{query}").parse().unwrap();
        check(TAKEN, &uri).err().map(|problem| (problem.detail.clone(), problem.help.clone()))
    }

    #[test]
    fn documented_values_pass() {
        for query in
            ["", "source=module%3Amenu&state=rolled-back", "drifted=false", "limit=1000", "since=2026-05-02T10:00:00Z"]
        {
            assert_eq!(refusal(query), None, "{query}");
        }
    }

    #[test]
    fn a_refusal_names_the_parameters_or_the_values() {
        let (detail, help) = refusal("sources=system").unwrap();
        assert_eq!(detail, "unknown query parameter `sources`");
        assert_eq!(help.unwrap(), "the parameters of this path: `source`, `state`, `drifted`, `limit`, `since`");
        let (detail, help) = refusal("drifted=").unwrap();
        assert_eq!(
            (detail.as_str(), help.as_deref()),
            ("the query parameter `drifted` is malformed: ''", Some("`drifted` takes `true` or `false`"))
        );
        assert_eq!(refusal("limit=0").unwrap().1.unwrap(), "`limit` takes a whole number from 1 to 1000");
        for query in ["state=done", "limit=1e3", "limit=-1", "since=yesterday", "source=", "drifted=true&drifted=true"]
        {
            assert!(refusal(query).is_some(), "{query}");
        }
    }
}
