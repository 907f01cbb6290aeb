//! The remaining work, or the refusal.

use std::collections::BTreeSet;

use mongrate::record::RecordStatus;
use mongrate_tests::drawn::{Deed, Runs, Target};

use super::Rules;
use crate::model::state::{Stored, World};

impl Rules<'_> {
    /// The places that a deed concerns, in its order.
    pub(in crate::model) fn todo(&self, world: &World, deed: &Deed) -> Result<Vec<usize>, String> {
        match deed {
            Deed::Up { only, .. } => {
                self.refuse_drift(world)?;
                self.up(world, only.as_deref())
            }
            Deed::Down { target, with_dependents } => {
                self.refuse_drift(world)?;
                self.down(world, target, *with_dependents)
            }
            Deed::MarkApplied(places) => self.mark_applied(world, places, false),
            Deed::Baseline(place) => self.mark_applied(world, &[*place], true),
            Deed::MarkPending(places) => self.mark_pending(world, places),
            Deed::Accept(place) => {
                self.all_known(&[*place])?;
                if !world.is_completed(*place) {
                    return Err(format!("{} is not applied", self.id(*place)));
                }
                let as_it_was = !self.drifted(world).contains(place) && !world.records[place].has_error;
                Ok(if as_it_was { Vec::new() } else { vec![*place] })
            }
            Deed::Prune(place) if !self.without.contains(place) => Err(format!("{} is no orphan", self.id(*place))),
            Deed::Prune(place) if !world.records.contains_key(place) => Err(format!("{} is unknown", self.id(*place))),
            Deed::Prune(place) => Ok(vec![*place]),
        }
    }

    /// The pending migrations that are not manual and have no manual dependency; the others are blocked.
    pub(in crate::model) fn waiting(&self, world: &World) -> Vec<usize> {
        let manual = |place: &usize| self.drawing.0[*place].manual && !world.is_completed(*place);
        let automatic = |place: &usize| !self.drawing.0[*place].manual && !world.is_completed(*place);
        let waits = |place: &usize| self.upstream([*place]).iter().any(manual);
        self.order.iter().copied().filter(|place| automatic(place) && waits(place)).collect()
    }

    pub(in crate::model) fn drifted(&self, world: &World) -> Vec<usize> {
        let drifted = |place: &usize| world.records[place].version != self.drawing.0[*place].version;
        self.order.iter().copied().filter(|place| world.is_completed(*place) && drifted(place)).collect()
    }

    fn refuse_drift(&self, world: &World) -> Result<(), String> {
        let drifted = self.drifted(world);
        if self.strict && !drifted.is_empty() { Err(format!("drift of {}", self.ids(drifted))) } else { Ok(()) }
    }

    fn all_known(&self, places: &[usize]) -> Result<(), String> {
        gather(
            places
                .iter()
                .filter(|place| self.without.contains(place))
                .map(|place| format!("{} is unknown", self.id(*place))),
        )
    }

    fn up(&self, world: &World, only: Option<&[usize]>) -> Result<Vec<usize>, String> {
        let manual = |place: usize| self.drawing.0[place].manual;
        let pending = self.order.iter().copied().filter(|&place| !world.is_completed(place));
        let Some(only) = only else {
            let waiting = self.waiting(world);
            return Ok(pending.filter(|place| !manual(*place) && !waiting.contains(place)).collect());
        };
        self.all_known(only)?;
        let named = |place: usize| only.contains(&place);
        let wanted = self.upstream(only.iter().copied().filter(|&place| !world.is_completed(place)));
        let steps: Vec<_> =
            pending.filter(|&place| wanted.contains(&place) && (named(place) || !manual(place))).collect();
        let in_the_way = |place: usize| manual(place) && !named(place) && !world.is_completed(place);
        match steps.iter().find(|place| self.upstream([**place]).into_iter().any(in_the_way)) {
            Some(held_up) => Err(format!("{} depends on a manual one", self.id(*held_up))),
            None => Ok(steps),
        }
    }

    fn down(&self, world: &World, target: &Target, with_dependents: bool) -> Result<Vec<usize>, String> {
        let order = self.revert_order(world);
        let mut places = match target {
            Target::Steps(count) => order.iter().copied().take(*count).collect(),
            Target::Batch => {
                let batch = |place: &usize| world.records[place].batch;
                let last = order.iter().map(batch).max().filter(|batch| *batch > 0);
                order.iter().copied().filter(|place| Some(batch(place)) == last).collect()
            }
            Target::Only(named) => {
                self.all_known(named)?;
                order.iter().copied().filter(|place| named.contains(place)).collect()
            }
            Target::To(stays) => {
                self.all_known(&[*stays])?;
                if !order.contains(stays) {
                    return Err(format!("{} is not applied", self.id(*stays)));
                }
                order.iter().copied().take_while(|place| place != stays).collect::<Vec<_>>()
            }
        };
        if !matches!(target, Target::Only(_)) {
            self.refuse_orphans(world, &places)?;
        }
        if with_dependents {
            let taken = self.downstream(places);
            places = order.iter().copied().filter(|place| taken.contains(place)).collect();
        }
        let refusals = places.iter().flat_map(|&place| {
            let below = self.downstream([place]);
            let staying = order.iter().filter(|other| below.contains(other) && !places.contains(other)).copied();
            let staying: Vec<_> = staying.collect();
            let needed =
                (!staying.is_empty()).then(|| format!("{} is needed by {}", self.id(place), self.ids(staying)));
            let irreversible =
                self.drawing.0[place].down.is_none().then(|| format!("{} is irreversible", self.id(place)));
            needed.into_iter().chain(irreversible)
        });
        gather(refusals)?;
        Ok(places)
    }

    /// Of what nothing that is applied depends on any more, always the one that was applied last.
    fn revert_order(&self, world: &World) -> Vec<usize> {
        let mut left: BTreeSet<_> = self.order.iter().copied().filter(|&place| world.is_applied(place)).collect();
        let mut order = Vec::new();
        loop {
            let free = |place: &usize| self.downstream([*place]).intersection(&left).eq([place]);
            let Some(next) = left.iter().copied().filter(free).max_by_key(|place| world.applied(*place)) else {
                return order;
            };
            left.remove(&next);
            order.push(next);
        }
    }

    fn refuse_orphans(&self, world: &World, places: &[usize]) -> Result<(), String> {
        let age = |place: &usize| world.applied(*place);
        let Some(oldest) = places.iter().map(age).min() else { return Ok(()) };
        let orphans = self.without.iter().filter(|place| world.is_applied(**place) && age(place) > oldest);
        let mut orphans: Vec<_> = orphans.map(|&place| self.id(place)).collect();
        orphans.sort_unstable();
        if orphans.is_empty() { Ok(()) } else { Err(format!("orphans {}", orphans.join(" "))) }
    }

    fn mark_applied(&self, world: &World, named: &[usize], baseline: bool) -> Result<Vec<usize>, String> {
        self.all_known(named)?;
        let marked: Vec<_> = match self.order.iter().position(|place| named.contains(place)) {
            Some(end) if baseline => self.order[..=end].to_vec(),
            _ => self.order.iter().copied().filter(|place| named.contains(place)).collect(),
        };
        let changes: Vec<_> = marked.iter().copied().filter(|&place| !world.is_completed(place)).collect();
        gather(changes.iter().filter_map(|&place| {
            let dependencies = self.drawing.0[place].dependencies.iter().copied();
            let missing = dependencies.filter(|other| !world.is_completed(*other) && !marked.contains(other));
            let mut missing: Vec<_> = missing.map(|other| self.id(other)).collect();
            missing.sort_unstable();
            (!missing.is_empty()).then(|| format!("{} needs {}", self.id(place), missing.join(" ")))
        }))?;
        Ok(changes)
    }

    fn mark_pending(&self, world: &World, named: &[usize]) -> Result<Vec<usize>, String> {
        self.all_known(named)?;
        // A partially executed `Schema` body is pending, but would resume.
        let resumes = |place: &usize| {
            let stopped = |record: &Stored| matches!(record.status, RecordStatus::Running | RecordStatus::Failed);
            self.drawing.0[*place].up == Runs::Schema && world.records.get(place).is_some_and(stopped)
        };
        let changes = |place: &usize| named.contains(place) && (world.is_applied(*place) || resumes(place));
        let changes: Vec<_> = self.order.iter().copied().filter(changes).collect();
        gather(changes.iter().filter_map(|&place| {
            let below = self.downstream([place]);
            let stays = |other: &usize| below.contains(other) && world.is_applied(*other) && !named.contains(other);
            let staying: Vec<_> = self.order.iter().rev().copied().filter(stays).collect();
            (!staying.is_empty()).then(|| format!("{} is needed by {}", self.id(place), self.ids(staying)))
        }))?;
        Ok(changes)
    }
}

/// Combines refusals.
fn gather(refusals: impl Iterator<Item = String>) -> Result<(), String> {
    let refusals: Vec<_> = refusals.collect();
    if refusals.is_empty() { Ok(()) } else { Err(refusals.join("; ")) }
}
