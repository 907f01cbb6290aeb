//! Effects of earlier steps that a step of a dry run does not see.

use std::collections::HashMap;

use crate::context::{Scope, is_query};
use crate::executor::Step;
use crate::migration::Kind;
use crate::plan::Graph;
use crate::report::{Execution, Outcome, Prediction};

/// Maximum number of ids in a note.
const NAMED: usize = 5;

/// The earlier steps whose effects are missing.
pub(super) struct Unseen<'g> {
    graph: &'g Graph,
    /// All earlier steps that write documents, in order. Checks take the effects of `Schema` steps into account.
    before: Vec<&'static str>,
    /// Earlier steps that were not executed or not simulated.
    not_executed: Vec<&'static str>,
    /// Earlier steps whose transaction has ended.
    rolled_back: Vec<&'static str>,
    /// The earlier `Tx` steps that wrote to a collection, by the name of the collection.
    wrote: HashMap<String, Vec<&'static str>>,
    /// Earlier steps whose writes are unknown, with the beginning of the names of their collections.
    opaque: Vec<(&'static str, String)>,
}

impl<'g> Unseen<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        Self {
            graph,
            before: Vec::new(),
            not_executed: Vec::new(),
            rolled_back: Vec::new(),
            wrote: HashMap::new(),
            opaque: Vec::new(),
        }
    }

    /// Adds notes about the missing effects of related steps.
    pub(super) fn explain(&self, step: &Step<'_>, execution: &mut Execution) {
        if execution.attempts == 0 {
            return;
        }
        if step.migration.registration().verify.is_some() {
            execution.notes.push("its `verify` function was not run".to_owned());
        }
        let reached = self.related(step);
        let related = |ids: &[&'static str]| ids.iter().copied().filter(|id| reached(id)).collect::<Vec<_>>();
        if step.kind != Kind::Tx {
            let unseen = related(&self.before);
            if !unseen.is_empty() {
                execution.notes.push(format!("checked without the effects of {}", named(&unseen)));
            }
            return;
        }
        let unseen = related(&self.not_executed);
        if !unseen.is_empty() {
            let unseen = named(&unseen);
            execution.notes.push(format!("ran without the effects of {unseen}, which a dry run leaves out"));
        }
        if !self.rolled_back.is_empty() {
            let lost = named(&self.rolled_back);
            execution
                .notes
                .push(format!("ran in a new transaction, without the effects of {lost}: a failure ended theirs"));
        }
    }

    /// Withdraws the prediction if earlier steps write to the collections, because they may remove an obstacle, or change the answer
    /// to a query.
    pub(super) fn doubt(&self, step: &Step<'_>, execution: &mut Execution) {
        if step.kind == Kind::Schema {
            self.doubt_answers(execution);
        }
        if step.kind == Kind::Backfill {
            self.doubt_failure(step, execution);
        }
        if !matches!(execution.outcome, Outcome::WouldFail) {
            return;
        }
        let mut writers = Vec::new();
        for operation in
            execution.operations.iter().filter(|operation| operation.prediction == Some(Prediction::WouldFail))
        {
            let before = writers.len();
            writers.extend(self.writers(&operation.collection));
            if writers.len() == before {
                return;
            }
        }
        let earlier: Vec<_> = self.before.iter().copied().filter(|id| writers.contains(id)).collect();
        let reason = format!(
            "its checks found an obstacle, but ran without the effects of {}, which may remove it",
            named(&earlier)
        );
        execution.outcome = Outcome::NotSimulated { reason };
    }

    /// A backfill may need what earlier steps would have done.
    fn doubt_failure(&self, step: &Step<'_>, execution: &mut Execution) {
        let Outcome::Failed { message, .. } = &execution.outcome else { return };
        let reached = self.related(step);
        let mut unseen: Vec<_> =
            self.not_executed.iter().chain(&self.before).copied().filter(|id| reached(id)).collect();
        unseen.sort_unstable();
        unseen.dedup();
        if !unseen.is_empty() {
            let reason = format!("it failed without the effects of {}, which it may need: {message}", named(&unseen));
            execution.outcome = Outcome::NotSimulated { reason };
        }
    }

    fn doubt_answers(&self, execution: &mut Execution) {
        let queries = execution.operations.iter().filter(|operation| is_query(operation.kind));
        let mut asked: Vec<_> = queries.map(|query| query.collection.as_str()).collect();
        if asked.is_empty() || matches!(execution.outcome, Outcome::NotSimulated { .. } | Outcome::Stopped { .. }) {
            return;
        }
        asked.sort_unstable();
        asked.dedup();
        let writers: Vec<_> = asked.iter().flat_map(|collection| self.writers(collection)).collect();
        let writers: Vec<_> = self.before.iter().copied().filter(|id| writers.contains(id)).collect();
        if !writers.is_empty() {
            let reason = format!(
                "it asks about '{}', and was answered without the effects of {}",
                asked.join("', '"),
                named(&writers)
            );
            execution.outcome = Outcome::NotSimulated { reason };
        }
    }

    /// Returns the earlier steps that write to a collection, or may do so.
    fn writers(&self, collection: &str) -> impl Iterator<Item = &'static str> {
        let wrote = self.wrote.get(collection).into_iter().flatten().copied();
        wrote.chain(self.opaque.iter().filter(|(_, names)| collection.starts_with(names)).map(|(id, _)| *id))
    }

    /// Adds a step to the earlier ones.
    pub(super) fn add(&mut self, step: &Step<'_>, execution: &Execution, rolled_back: &[&'static str]) {
        let id = step.migration.id();
        // A body whose queries have no certain answers may have other effects than those that were checked.
        let is_uncertain = matches!(execution.outcome, Outcome::NotSimulated { .. })
            && execution.operations.iter().any(|operation| is_query(operation.kind));
        if step.kind != Kind::Schema || is_uncertain {
            self.before.push(id);
        }
        if step.kind != Kind::Tx || matches!(execution.outcome, Outcome::NotSimulated { .. }) {
            self.not_executed.push(id);
        }
        match execution.outcome {
            // Only the first documents of a backfill were changed.
            _ if step.kind == Kind::Backfill => {
                self.opaque.push((id, Scope::of(step.migration.source()).collection("")));
            }
            Outcome::NotSimulated { .. } if step.kind != Kind::Schema || is_uncertain => {
                self.opaque.push((id, Scope::of(step.migration.source()).collection("")));
            }
            Outcome::WouldApply | Outcome::WouldRevert if step.kind == Kind::Tx => {
                for operation in execution.operations.iter().filter(|operation| operation.counts.has_changed()) {
                    let writers = self.wrote.entry(operation.collection.clone()).or_default();
                    if writers.last() != Some(&id) {
                        writers.push(id);
                    }
                }
            }
            _ => {}
        }
        self.rolled_back = rolled_back.to_vec();
    }

    /// Returns a predicate for the direct and indirect dependencies and dependents of a step.
    fn related(&self, step: &Step<'_>) -> impl Fn(&&'static str) -> bool {
        let node = self.graph.find(step.migration.id());
        let (upstream, downstream) = (self.graph.upstream(node), self.graph.downstream(node));
        let graph = self.graph;
        move |id| graph.find(id).is_some_and(|node| upstream[node.index()] || downstream[node.index()])
    }
}

/// `'001_a', '002_b' and 7 more`.
fn named(ids: &[&str]) -> String {
    let quoted: Vec<_> = ids.iter().take(NAMED).map(|id| format!("'{id}'")).collect();
    match ids.len().saturating_sub(NAMED) {
        0 => quoted.join(", "),
        more => format!("{} and {more} more", quoted.join(", ")),
    }
}
