//! Selects the migrations that marking as applied or pending changes.

use super::staying::Staying;
use crate::error::Error;
use crate::migration::{Kind, Migration, State};
use crate::plan::graph::{Graph, Node};

/// Returns the migrations that marking these qualified ids as applied changes. A baseline includes everything before them in
/// plan order.
///
/// Their dependencies must be applied or be marked, too ([`Error::DependenciesPending`]): nothing applied may depend on a
/// pending migration (I3).
pub(crate) fn mark_applied(
    graph: &Graph,
    ids: &[String],
    baseline: bool,
    state: impl Fn(&str) -> State,
) -> Result<Vec<Migration>, Error> {
    let states = graph.map_nodes(|migration| state(migration.id()));
    let named = graph.named(ids)?;
    let selected: Vec<_> = graph.nodes().filter(|&node| graph.is_selected(node)).collect();
    let end =
        if baseline { selected.iter().rposition(|node| named.contains(node)).map_or(0, |last| last + 1) } else { 0 };
    let marked = |index: usize, node: &Node| index < end || named.contains(node);
    let marked: Vec<_> =
        selected.iter().enumerate().filter(|(index, node)| marked(*index, node)).map(|(_, node)| *node).collect();
    let mut applied: Vec<_> = states.iter().map(|state| !state.is_pending()).collect();
    for node in &marked {
        applied[node.index()] = true;
    }
    // A baseline does not speak for what is excluded.
    let is_excluded = |node: &Node| states[node.index()] == State::Excluded && named.contains(node);
    let changes: Vec<_> =
        marked.into_iter().filter(|node| states[node.index()].is_pending() || is_excluded(node)).collect();
    let mut errors = Vec::new();
    for &node in &changes {
        let pending = graph.dependencies(node).filter(|dependency| !applied[dependency.index()]);
        let mut dependencies: Vec<_> = pending.map(|dependency| graph.migration(dependency).id()).collect();
        dependencies.sort_unstable();
        if !dependencies.is_empty() {
            errors.push(Error::DependenciesPending { id: graph.migration(node).id(), dependencies });
        }
    }
    Error::gather(errors)?;
    Ok(changes.into_iter().map(|node| graph.migration(node)).collect())
}

/// Returns the migrations that marking these qualified ids as pending changes.
///
/// None of their dependents may stay applied ([`Error::DependentsApplied`]) (I3). `applied` returns whether a migration has
/// anything to revert. A partially reverted migration counts as applied until it is marked.
pub(crate) fn mark_pending(
    graph: &Graph,
    ids: &[String],
    applied: impl Fn(&str) -> bool,
    state: impl Fn(&str) -> State,
) -> Result<Vec<Migration>, Error> {
    let applied = graph.map_nodes(|migration| applied(migration.id()));
    // These are pending, but a `Schema` body or a backfill would resume, and the others do not run until they are named.
    let partial = |node: &Node| match state(graph.migration(*node).id()) {
        State::Partial | State::Underway | State::Canceled => true,
        State::Failed | State::Interrupted => matches!(graph.migration(*node).kind(), Kind::Schema | Kind::Backfill),
        _ => false,
    };
    let named = graph.named(ids)?;
    let changes = |node: &Node| named.contains(node) && (applied[node.index()] || partial(node));
    let changes: Vec<_> = graph.nodes().filter(changes).collect();
    let stays = |node: &Node| applied[node.index()] && !named.contains(node);
    let mut staying: Vec<_> = graph.nodes().filter(stays).collect();
    staying.reverse();
    let mut staying = Staying::new(graph, staying);
    let errors = changes.iter().filter_map(|&node| staying.refuse(node)).collect();
    Error::gather(errors)?;
    Ok(changes.into_iter().map(|node| graph.migration(node)).collect())
}
