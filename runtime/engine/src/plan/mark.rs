//! Which migrations a person may call applied or pending.

use super::staying::Staying;
use crate::error::Error;
use crate::migration::{Kind, Migration, State};
use crate::plan::graph::{Graph, Node};

/// Those of these qualified ids that become applied by saying so; for a baseline, everything before them in plan order as well.
///
/// What they depend on must be applied or among them ([`Error::DependenciesPending`]), lest something applied stands on
/// something pending (I3).
pub(crate) fn mark_applied(
    graph: &Graph,
    ids: &[String],
    baseline: bool,
    state: impl Fn(&str) -> State,
) -> Result<Vec<Migration>, Error> {
    let states = graph.by_place(|migration| state(migration.id()));
    let named = graph.named(ids)?;
    let selected: Vec<_> = graph.nodes().filter(|&node| graph.is_selected(node)).collect();
    let end =
        if baseline { selected.iter().rposition(|node| named.contains(node)).map_or(0, |last| last + 1) } else { 0 };
    let marked = |place: usize, node: &Node| place < end || named.contains(node);
    let marked: Vec<_> =
        selected.iter().enumerate().filter(|(place, node)| marked(*place, node)).map(|(_, node)| *node).collect();
    let mut applied: Vec<_> = states.iter().map(|state| !state.is_pending()).collect();
    for node in &marked {
        applied[node.index()] = true;
    }
    let changes: Vec<_> = marked.into_iter().filter(|node| states[node.index()].is_pending()).collect();
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

/// Those of these qualified ids that become pending by saying so.
///
/// Nothing that depends on them may stay applied ([`Error::DependentsApplied`]) (I3). `applied` tells what there is
/// something to revert of: what is half reverted is not pending before somebody says so.
pub(crate) fn mark_pending(
    graph: &Graph,
    ids: &[String],
    applied: impl Fn(&str) -> bool,
    state: impl Fn(&str) -> State,
) -> Result<Vec<Migration>, Error> {
    let applied = graph.by_place(|migration| applied(migration.id()));
    // Those are pending, but a body of `Schema` would resume, and others do not run by themselves.
    let half_way = |node: &Node| match state(graph.migration(*node).id()) {
        State::Partial => true,
        State::Failed | State::Interrupted => graph.migration(*node).kind() == Kind::Schema,
        _ => false,
    };
    let named = graph.named(ids)?;
    let changes = |node: &Node| named.contains(node) && (applied[node.index()] || half_way(node));
    let changes: Vec<_> = graph.nodes().filter(changes).collect();
    let stays = |node: &Node| applied[node.index()] && !named.contains(node);
    let mut staying: Vec<_> = graph.nodes().filter(stays).collect();
    staying.reverse();
    let mut staying = Staying::new(graph, staying);
    let errors = changes.iter().filter_map(|&node| staying.refuse(node)).collect();
    Error::gather(errors)?;
    Ok(changes.into_iter().map(|node| graph.migration(node)).collect())
}
