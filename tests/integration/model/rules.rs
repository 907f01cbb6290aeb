//! What a deed does to a world, by definition: sets and loops instead of algorithms.

mod course;
mod todo;

use std::collections::BTreeSet;

use mongrate_tests::drawn::{Deed, Drawing, Target};

use super::case::Doing;
use super::state::World;
use course::Course;

/// A world that may come of a deed, and what those who did it may be told.
pub(super) struct Outcome {
    pub(super) world: World,
    /// `None` where nobody is left to be told. In no order: it is not known who was first.
    pub(super) answers: Option<Vec<String>>,
    /// How many leases were taken.
    pub(super) leases: i64,
}

/// What a program knows and is told.
pub(super) struct Rules<'a> {
    drawing: &'a Drawing,
    without: &'a BTreeSet<usize>,
    strict: bool,
    failing: Option<usize>,
    /// What is linked in, in plan order.
    pub(super) order: Vec<usize>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(drawing: &'a Drawing, without: &'a BTreeSet<usize>) -> Self {
        let order = plan_order(drawing, without);
        Self { drawing, without, strict: false, failing: None, order }
    }

    pub(super) fn of(drawing: &'a Drawing, doing: &'a Doing) -> Self {
        Self { strict: doing.strict, ..Self::new(drawing, &doing.without) }
    }

    /// The same with one of the steps told to fail; which one it is.
    pub(super) fn failing(self, world: &World, deed: &Deed, step: usize) -> (Self, Option<usize>) {
        let runs = matches!(deed, Deed::Up { .. } | Deed::Down { .. });
        let steps = self.todo(world, deed).ok().filter(|steps| runs && !steps.is_empty());
        let failing = steps.map(|steps| steps[step % steps.len()]);
        (Self { failing, ..self }, failing)
    }

    /// The deed, done once and to its end.
    pub(super) fn once(&self, world: &World, deed: &Deed) -> Outcome {
        let course = self.course(world, deed);
        Outcome { leases: course.leases(), answers: Some(vec![course.answer]), world: last(course.worlds) }
    }

    /// The deed, cut off at any moment.
    pub(super) fn killed(&self, world: &World, deed: &Deed) -> Vec<Outcome> {
        let worlds = self.course(world, deed).worlds;
        worlds.into_iter().map(|world| Outcome { world, answers: None, leases: 1 }).collect()
    }

    /// The deed, done by two at the same time: the second one may have begun at any moment of the first one's.
    pub(super) fn twice(&self, world: &World, deed: &Deed) -> Vec<Outcome> {
        let first = self.course(world, deed);
        let after = last(first.worlds.clone());
        let second = first.worlds.iter().map(|moment| match self.todo(moment, deed) {
            Ok(meant) => self.course(&after, &decided(deed, meant)),
            Err(answer) => Course::refused(&after, answer),
        });
        second
            .map(|second| Outcome {
                answers: Some(vec![first.answer.clone(), second.answer.clone()]),
                leases: first.leases() + second.leases(),
                world: last(second.worlds),
            })
            .collect()
    }

    pub(super) fn id(&self, place: usize) -> &'a str {
        &self.drawing.0[place].id
    }

    pub(super) fn ids(&self, places: impl IntoIterator<Item = usize>) -> String {
        places.into_iter().map(|place| self.id(place)).collect::<Vec<_>>().join(" ")
    }

    /// All that these depend on, directly or not, and these.
    fn upstream(&self, from: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut found: BTreeSet<_> = from.into_iter().collect();
        for place in (0..self.drawing.0.len()).rev() {
            if found.contains(&place) {
                found.extend(&self.drawing.0[place].dependencies);
            }
        }
        found
    }

    /// All that depends on these, directly or not, and these.
    fn downstream(&self, from: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut found: BTreeSet<_> = from.into_iter().collect();
        for place in 0..self.drawing.0.len() {
            if !found.is_disjoint(&self.drawing.0[place].dependencies) {
                found.insert(place);
            }
        }
        found
    }
}

/// What a `down` means is decided when it begins.
fn decided(deed: &Deed, meant: Vec<usize>) -> Deed {
    match deed {
        Deed::Down { with_dependents, .. } => {
            Deed::Down { target: Target::Only(meant), with_dependents: *with_dependents }
        }
        other => other.clone(),
    }
}

/// Of those whose dependencies are all there, always the first by source and id.
fn plan_order(drawing: &Drawing, without: &BTreeSet<usize>) -> Vec<usize> {
    let mut left: BTreeSet<_> = (0..drawing.0.len()).filter(|place| !without.contains(place)).collect();
    let rank = |place: &usize| {
        let id = drawing.0[*place].id.as_str();
        let source = ["module:", "plugin:"].iter().position(|prefix| id.starts_with(prefix));
        (source.map_or(0, |source| source + 1), id)
    };
    let mut order = Vec::new();
    while let Some(next) = left
        .iter()
        .filter(|place| left.is_disjoint(&drawing.0[**place].dependencies))
        .min_by_key(|place| rank(place))
        .copied()
    {
        left.remove(&next);
        order.push(next);
    }
    order
}

fn last(mut worlds: Vec<World>) -> World {
    worlds.pop().unwrap()
}
