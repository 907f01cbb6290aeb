//! What will run.

use serde::Serialize;

use super::status::word;

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
    /// Where it stands now, in the words of [`Standing`](super::Standing).
    status: String,
    description: &'static str,
}

/// What waits for a manual migration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Blocked {
    id: &'static str,
    waits_for: &'static str,
}

impl Plan {
    pub fn of(plan: &crate::plan::Plan) -> Self {
        let steps = plan.iter().map(|step| Step {
            id: step.migration().id(),
            direction: step.direction().to_string(),
            status: word(step.state().word(step.migration().is_manual())),
            description: step.migration().description(),
        });
        let blocked = plan.blocked().iter();
        let blocked = blocked.map(|one| Blocked { id: one.migration().id(), waits_for: one.waits_for().id() });
        Self { steps: steps.collect(), blocked: blocked.collect() }
    }
}
