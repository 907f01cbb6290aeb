//! Plans the migrations to revert.

use std::collections::BinaryHeap;

use super::staying::Staying;
use super::{Plan, Step};
use crate::error::Error;
use crate::migration::{Direction, Migration, State};
use crate::plan::graph::{Graph, Node};
use crate::record::Applied;

/// The migrations that a `down` reverts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The last N applied migrations.
    Last(usize),
    /// Everything that the last `up` applied.
    Batch,
    /// The migrations with these qualified ids, as named by the operator.
    Only(Vec<String>),
    /// The migrations with these qualified ids, resolved from another target when the run began.
    Resolved(Vec<String>),
    /// Everything that was applied after the migration with this qualified id.
    To(String),
}

impl Plan {
    /// Plans to revert the target in the reverse order of application, as far as dependencies allow.
    ///
    /// - A migration cannot be reverted while a dependent stays applied: [`Error::DependentsApplied`], unless
    ///   `with_dependents` adds the dependents.
    /// - Every migration must have a `down`: [`Error::Irreversible`].
    /// - `applied` returns `None` for a migration that is not applied, not even partially. Named migrations that are not applied
    ///   are skipped.
    /// - A partially applied migration is reverted only if it is named itself: [`Error::PartiallyApplied`].
    /// - `orphans` are applied but not linked in. Migrations older than an orphan are reverted only if they are named.
    pub(crate) fn down(
        graph: &Graph,
        target: &Target,
        with_dependents: bool,
        applied: impl Fn(&str) -> Option<Applied>,
        state: impl Fn(&str) -> State,
        orphans: &[(&str, Applied)],
    ) -> Result<Self, Error> {
        let applied = graph.map_nodes(|migration| applied(migration.id()));
        let order = revert_order(graph, &applied);
        let selected: Vec<_> = order.iter().copied().filter(|&node| graph.is_selected(node)).collect();
        let mut nodes = match target {
            Target::Last(count) => selected[..selected.len().min(*count)].to_vec(),
            Target::Batch => last_batch(&selected, &applied),
            Target::Only(ids) | Target::Resolved(ids) => {
                let named = graph.named(ids)?;
                selected.iter().copied().filter(|node| named.contains(node)).collect()
            }
            Target::To(id) => {
                graph.named(std::slice::from_ref(id))?;
                let stays = selected.iter().position(|&node| graph.migration(node).id() == id);
                selected[..stays.ok_or_else(|| Error::NotApplied { id: id.clone() })?].to_vec()
            }
        };
        let mut named = Vec::new();
        match target {
            Target::Only(_) => named.clone_from(&nodes),
            _ => refuse_orphans(&nodes, &applied, orphans)?,
        }
        if with_dependents {
            let included = graph.downstream(nodes.iter().copied());
            nodes = selected.into_iter().filter(|node| included[node.index()]).collect();
        }
        refuse_partial(graph, nodes.iter().filter(|node| !named.contains(node)), &state)?;
        check(graph, &order, &nodes)?;
        let step = |node: Node| {
            let migration = graph.migration(node);
            Step { migration, direction: Direction::Down, state: state(migration.id()) }
        };
        Ok(Self { direction: Direction::Down, steps: nodes.into_iter().map(step).collect(), blocked: Vec::new() })
    }
}

/// Sorts the applied migrations, last applied first, with every migration after its direct and indirect dependents.
fn revert_order(graph: &Graph, applied: &[Option<Applied>]) -> Vec<Node> {
    let mut positions = vec![0; graph.len()];
    for (position, node) in graph.nodes().enumerate() {
        positions[node.index()] = position;
    }
    // Pending migrations come as early as possible, because they only hold up their dependencies.
    let key = |node: Node| {
        let applied = applied[node.index()];
        (applied.is_none(), applied, positions[node.index()], node)
    };
    let mut waits_for = graph.map_nodes(|_| 0_usize);
    for node in graph.nodes() {
        waits_for[node.index()] = graph.dependents(node).count();
    }
    let mut free: BinaryHeap<_> = graph.nodes().filter(|node| waits_for[node.index()] == 0).map(key).collect();
    let mut order = Vec::new();
    while let Some((.., node)) = free.pop() {
        if applied[node.index()].is_some() {
            order.push(node);
        }
        for dependency in graph.dependencies(node) {
            waits_for[dependency.index()] -= 1;
            if waits_for[dependency.index()] == 0 {
                free.push(key(dependency));
            }
        }
    }
    order
}

/// Returns the migrations of the newest batch. Batch 0, which no `up` applied, holds the migrations marked as applied.
fn last_batch(selected: &[Node], applied: &[Option<Applied>]) -> Vec<Node> {
    let batch = |node: &Node| applied[node.index()].map(|applied| applied.batch).filter(|batch| *batch > 0);
    let last = selected.iter().filter_map(batch).max();
    selected.iter().copied().filter(|node| last.is_some() && batch(node) == last).collect()
}

fn refuse_orphans(nodes: &[Node], applied: &[Option<Applied>], orphans: &[(&str, Applied)]) -> Result<(), Error> {
    let Some(oldest) = nodes.iter().filter_map(|node| applied[node.index()]).min() else { return Ok(()) };
    let later: Vec<_> =
        orphans.iter().filter(|(_, applied)| *applied > oldest).map(|(id, _)| (*id).to_owned()).collect();
    if later.is_empty() { Ok(()) } else { Err(Error::OrphansAppliedLater { ids: later }) }
}

fn refuse_partial<'a>(
    graph: &Graph,
    unnamed: impl Iterator<Item = &'a Node>,
    state: impl Fn(&str) -> State,
) -> Result<(), Error> {
    let ids = unnamed.map(|node| graph.migration(*node).id());
    let ids: Vec<_> = ids.filter(|id| state(id) == State::Partial).map(str::to_owned).collect();
    if ids.is_empty() { Ok(()) } else { Err(Error::PartiallyApplied { ids }) }
}

/// Checks that no dependent of these nodes stays applied (I3), and that each of them can be reverted.
fn check(graph: &Graph, order: &[Node], nodes: &[Node]) -> Result<(), Error> {
    let mut reverted = vec![false; graph.len()];
    for node in nodes {
        reverted[node.index()] = true;
    }
    let staying = order.iter().copied().filter(|node| !reverted[node.index()]).collect();
    let mut staying = Staying::new(graph, staying);
    let mut errors = Vec::new();
    for &node in nodes {
        let migration = graph.migration(node);
        errors.extend(staying.refuse(node));
        if !migration.is_reversible() {
            errors.push(irreversible(migration));
        }
    }
    Error::gather(errors)
}

fn irreversible(migration: Migration) -> Error {
    Error::Irreversible { id: migration.id(), reason: migration.irreversible_reason() }
}
