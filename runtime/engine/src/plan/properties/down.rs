use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};

use crate::error::Error;
use crate::migration::{Migration, State};
use crate::plan::down::Target;
use crate::plan::fixtures::random::{acyclic, dependencies, some_of};
use crate::plan::graph::Graph;
use crate::plan::up::Reach;
use crate::plan::{Plan, Step};
use crate::record::Applied;

/// Applied migrations and when they were applied; dependencies may be missing.
#[derive(Clone, Debug)]
struct Case {
    migrations: Vec<Migration>,
    shuffled: Vec<Migration>,
    applied: BTreeMap<&'static str, Applied>,
    only: Vec<String>,
    count: usize,
    with_dependents: bool,
}

impl Case {
    fn random() -> impl Strategy<Value = Self> {
        acyclic().prop_flat_map(|migrations| {
            let when = (weighted(0.7, (0..4_i64, 0..4_i64)), 0..4_i64)
                .prop_map(|(position, batch)| Applied { position, ..Applied::in_batch(batch) });
            let applied = vec(weighted(0.7, when), migrations.len());
            let (shuffled, only) = (Just(migrations.clone()).prop_shuffle(), some_of(&migrations));
            (Just(migrations), shuffled, applied, only, 0..8_usize, any::<bool>()).prop_map(
                |(migrations, shuffled, applied, only, count, with_dependents)| {
                    let applied = migrations.iter().zip(applied);
                    let applied = applied.filter_map(|(migration, applied)| Some((migration.id(), applied?))).collect();
                    Self { migrations, shuffled, applied, only, count, with_dependents }
                },
            )
        })
    }

    fn down(&self, target: &Target, with_dependents: bool) -> Result<Plan, Error> {
        self.down_in(&self.migrations, target, with_dependents)
    }

    fn down_in(&self, migrations: &[Migration], target: &Target, with_dependents: bool) -> Result<Plan, Error> {
        let graph = Graph::new(&migrations.iter().copied().collect())?;
        let state = |id: &str| if self.applied.contains_key(id) { State::Completed } else { State::New };
        Plan::down(&graph, target, with_dependents, |id| self.applied.get(id).copied(), state, &[])
    }

    fn targets(&self) -> Vec<Target> {
        let mut targets = vec![Target::Last(self.count), Target::Batch, Target::Only(self.only.clone())];
        targets.extend(self.only.first().cloned().map(Target::To));
        targets
    }

    /// The applied direct and indirect dependents.
    fn dependents(&self, id: &str) -> BTreeSet<&'static str> {
        self.applied.keys().copied().filter(|other| dependencies(&self.migrations, other).contains(id)).collect()
    }

    /// Makes every migration reversible, so that every target has a plan.
    fn all_reversible(mut self) -> Self {
        self.applied.retain(|id, _| self.migrations.iter().any(|m| m.id() == *id && m.is_reversible()));
        self
    }

    fn order(&self) -> Vec<&'static str> {
        steps(&self.down(&Target::Last(usize::MAX), false).expect("everything can go"))
    }
}

fn steps(plan: &Plan) -> Vec<&'static str> {
    plan.iter().map(|step| step.migration().id()).collect()
}

/// Flattens an error.
fn refusals(error: Error) -> Vec<Error> {
    match error {
        Error::Several { errors } => errors,
        other => vec![other],
    }
}

/// Formats a plan or its refusal.
fn outcome(plan: Result<Plan, Error>) -> String {
    plan.map_or_else(|error| error.to_string(), |plan| plan.to_string())
}

proptest! {
    #[test]
    fn i3_dependents_are_reverted_first(case in Case::random()) {
        for plan in case.targets().iter().filter_map(|target| case.down(target, case.with_dependents).ok()) {
            let mut before = BTreeSet::new();
            for step in &plan {
                let id = step.migration().id();
                prop_assert!(case.applied.contains_key(id) && step.migration().is_reversible());
                prop_assert!(case.dependents(id).is_subset(&before), "{id} too early");
                prop_assert!(before.insert(id), "{id} twice");
            }
        }
    }

    #[test]
    fn the_last_applied_is_reverted_first_unless_it_has_dependents(case in Case::random()) {
        let case = case.all_reversible();
        let graph = Graph::new(&case.migrations.iter().copied().collect()).expect("no mistakes");
        let places: Vec<_> = graph.order().map(|migration| migration.id()).collect();
        let age = |id: &str| (case.applied[id], places.iter().position(|other| *other == id));
        let order = case.order();
        prop_assert_eq!(order.len(), case.applied.len());
        for (place, id) in order.iter().enumerate() {
            for later in &order[place..] {
                let waits = order[place..].iter().any(|other| case.dependents(later).contains(other));
                prop_assert!(age(id) >= age(later) || waits, "{id} before {later}");
            }
        }
    }

    #[test]
    fn named_migrations_are_refused_if_and_only_if_irreversible_or_depended_on(case in Case::random()) {
        let named: BTreeSet<_> = case.applied.keys().copied().filter(|id| case.only.iter().any(|only| only == id)).collect();
        let mut needed: BTreeMap<_, BTreeSet<_>> = named.iter().map(|id| (*id, &case.dependents(id) - &named)).collect();
        needed.retain(|_, dependents| !dependents.is_empty());
        let irreversible = case.migrations.iter().filter(|m| named.contains(m.id()) && !m.is_reversible());
        let mut irreversible: BTreeSet<_> = irreversible.map(Migration::id).collect();
        match case.down(&Target::Only(case.only.clone()), false) {
            Ok(plan) => {
                prop_assert!(needed.is_empty() && irreversible.is_empty());
                prop_assert_eq!(steps(&plan).into_iter().collect::<BTreeSet<_>>(), named);
            }
            Err(error) => {
                for refusal in refusals(error) {
                    match refusal {
                        Error::DependentsApplied { id, dependents, .. } => {
                            prop_assert_eq!(needed.remove(id), Some(dependents.into_iter().collect()));
                        }
                        Error::Irreversible { id, .. } => prop_assert!(irreversible.remove(id)),
                        other => panic!("{other}"),
                    }
                }
                prop_assert!(needed.is_empty() && irreversible.is_empty(), "{needed:?} {irreversible:?}");
            }
        }
    }

    #[test]
    fn with_dependents_reverts_the_minimum(case in Case::random()) {
        let case = case.all_reversible();
        let named: BTreeSet<_> = case.applied.keys().copied().filter(|id| case.only.iter().any(|only| only == id)).collect();
        let closed = named.iter().flat_map(|id| case.dependents(id)).chain(named.iter().copied());
        let plan = case.down(&Target::Only(case.only.clone()), true).expect("a plan");
        prop_assert_eq!(steps(&plan).into_iter().collect::<BTreeSet<_>>(), closed.collect::<BTreeSet<_>>());
    }

    #[test]
    fn steps_and_to_agree(case in Case::random()) {
        let case = case.all_reversible();
        let order = case.order();
        let count = case.count.min(order.len());
        let some = case.down(&Target::Last(count), false).expect("the last ones can always go");
        prop_assert_eq!(&steps(&some), &order[..count]);
        if let Some(stays) = order.get(count) {
            prop_assert_eq!(some, case.down(&Target::To((*stays).to_owned()), false).expect("the same"));
        }
    }

    #[test]
    fn a_batch_is_what_one_up_applied(case in Case::random()) {
        let case = case.all_reversible();
        let last = case.applied.values().map(|applied| applied.batch).max().filter(|batch| *batch > 0);
        let batch = case.applied.iter().filter(|(_, applied)| Some(applied.batch) == last).map(|(id, _)| *id);
        let batch: BTreeSet<_> = batch.collect();
        if let Ok(plan) = case.down(&Target::Batch, false) {
            prop_assert_eq!(steps(&plan).into_iter().collect::<BTreeSet<_>>(), batch);
        } else {
            prop_assert!(batch.iter().any(|id| !case.dependents(id).is_subset(&batch)));
        }
    }

    #[test]
    fn up_reapplies_what_down_reverted(case in Case::random()) {
        let mut case = case.all_reversible();
        let whole = |id: &str| dependencies(&case.migrations, id).iter().all(|other| case.applied.contains_key(other));
        let whole: BTreeSet<_> = case.applied.keys().copied().filter(|id| whole(id)).collect();
        case.applied.retain(|id, _| whole.contains(id));
        let graph = Graph::new(&case.migrations.iter().copied().collect()).expect("no mistakes");
        let down = steps(&case.down(&Target::Only(case.only.clone()), true).expect("a plan"));
        let named: Vec<_> = down.iter().map(|id| (*id).to_owned()).collect();
        let state = |id: &str| {
            if case.applied.contains_key(id) && !down.contains(&id) { State::Completed } else { State::RolledBack }
        };
        let up = Plan::up(&graph, &Reach::Only(named), state).expect("nothing is in the way");
        let back: BTreeSet<_> = up.iter().map(Step::migration).map(|migration| migration.id()).collect();
        prop_assert_eq!(back, down.into_iter().collect::<BTreeSet<_>>());
    }

    #[test]
    fn i5_a_revert_depends_on_the_set_alone(case in Case::random()) {
        for target in case.targets() {
            let one = case.down(&target, case.with_dependents);
            let other = case.down_in(&case.shuffled, &target, case.with_dependents);
            prop_assert_eq!(outcome(one), outcome(other));
        }
    }
}
