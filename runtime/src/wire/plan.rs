//! What will run.

use serde::Serialize;

use super::Standing;
use crate::State;

#[derive(Debug, Serialize)]
pub(crate) struct Pending<'a> {
    pending: Vec<Standing<'a>>,
}

impl<'a> Pending<'a> {
    pub(crate) fn of(status: &'a crate::Status) -> Self {
        let pending = status.iter().filter(|standing| standing.state.is_pending());
        Self { pending: pending.map(Standing::from).collect() }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    steps: Vec<Step>,
    blocked: Vec<Blocked>,
}

#[derive(Debug, Serialize)]
struct Step {
    id: &'static str,
    /// `up` or `down`.
    verb: String,
    /// Where it stands now: `new`, `completed`, `failed`, `rolled-back`, `interrupted` or `half-way`.
    state: &'static str,
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
    pub(crate) fn of(plan: &crate::Plan) -> Self {
        let steps = plan.iter().map(|step| Step {
            id: step.migration().id(),
            verb: step.verb().to_string(),
            state: word(step.state()),
            description: step.migration().description(),
        });
        let blocked = plan.blocked().iter();
        let blocked = blocked.map(|one| Blocked { id: one.migration().id(), waits_for: one.waits_for().id() });
        Self { steps: steps.collect(), blocked: blocked.collect() }
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Completed => "completed",
        State::Failed => "failed",
        State::RolledBack => "rolled-back",
        State::Interrupted => "interrupted",
        State::Partial => "half-way",
    }
}
