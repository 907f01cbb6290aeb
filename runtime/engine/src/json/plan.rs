//! The plan of a run.

use serde::Serialize;

use super::kebab_case;

/// The plan of a run.
#[derive(Debug, Serialize)]
pub struct Plan {
    steps: Vec<Step>,
    blocked: Vec<Blocked>,
}

#[derive(Debug, Serialize)]
struct Step {
    id: &'static str,
    /// `up` or `down`.
    direction: String,
    /// The current status, as in [`Standing`](super::Standing).
    status: String,
    description: &'static str,
}

/// A pending migration that waits for a manual one or for a backfill.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Blocked {
    id: &'static str,
    waits_for: &'static str,
}

impl Plan {
    /// Converts a plan.
    #[must_use]
    pub fn of(plan: &crate::plan::Plan) -> Self {
        let steps = plan.iter().map(|step| Step {
            id: step.migration().id(),
            direction: step.direction().to_string(),
            status: kebab_case(step.state().label(step.migration().is_manual())),
            description: step.migration().description(),
        });
        let blocked = plan
            .blocked()
            .iter()
            .map(|blocked| Blocked { id: blocked.migration().id(), waits_for: blocked.waits_for().id() });
        Self { steps: steps.collect(), blocked: blocked.collect() }
    }
}
