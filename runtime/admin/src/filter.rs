//! Selects migrations of a status.

use mongrate::json::kebab_case;
use mongrate::migration::State;
use mongrate::status::Standing;
use serde::Deserialize;

/// The filters of the status. An empty field, as an empty field of a form sends it, selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filter {
    /// A part of the id or the description, in any case.
    pub(crate) q: String,
    pub(crate) source: String,
    /// `pending` is everything that the next run would apply; the other states are those of [`Standing::label`] in kebab case.
    pub(crate) state: String,
    #[serde(deserialize_with = "flag")]
    pub(crate) isolated: bool,
    #[serde(deserialize_with = "flag")]
    pub(crate) drifted: bool,
    /// The page, beginning with 1, for more than fits on one.
    pub(crate) page: usize,
}

impl Filter {
    /// The states that can be selected.
    pub(crate) const STATES: [&str; 11] = [
        "pending",
        "failed",
        "running",
        "underway",
        "interrupted",
        "partial",
        "rolled-back",
        "manual",
        "canceled",
        "excluded",
        "completed",
    ];

    pub(crate) fn selects_all(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn selects(&self, standing: &Standing<'_>) -> bool {
        let migration = standing.migration;
        let q = self.q.trim().to_lowercase();
        let is_found = q.is_empty()
            || migration.id().to_lowercase().contains(&q)
            || migration.description().to_lowercase().contains(&q);
        is_found
            && (self.source.is_empty() || migration.source().to_string() == self.source)
            && (self.state.is_empty() || is_in_state(standing, &self.state))
            && (!self.isolated || standing.is_isolated)
            && (!self.drifted || standing.has_drifted())
    }
}

fn is_in_state(standing: &Standing<'_>, state: &str) -> bool {
    let (by_name, waits) = (standing.runs_only_by_name(), waits_for_a_run(standing));
    match state {
        "pending" => waits && !by_name,
        "manual" => waits && by_name && standing.state != State::Canceled,
        state => kebab_case(standing.label()) == state,
    }
}

/// Returns whether it is pending and has not started as a backfill.
pub(crate) fn waits_for_a_run(standing: &Standing<'_>) -> bool {
    standing.state.is_pending() && standing.state != State::Underway
}

/// A checkbox sends `true`, `on`, or nothing.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match &*String::deserialize(deserializer)? {
        "true" | "on" => Ok(true),
        "false" => Ok(false),
        other => Err(serde::de::Error::custom(format!("'{other}' is neither 'true' nor 'false'"))),
    }
}
