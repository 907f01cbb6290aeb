use std::collections::BTreeSet;

use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, proptest};

use crate::error::Error;
use crate::migration::{Migration, State};
use crate::plan::fixtures::ids;
use crate::plan::fixtures::random::{acyclic, dependencies, some_of};
use crate::plan::graph::Graph;
use crate::plan::mark::{mark_applied, mark_pending};

/// Applied migrations; dependencies may be missing.
#[derive(Clone, Debug)]
struct Case {
    migrations: Vec<Migration>,
    shuffled: Vec<Migration>,
    applied: Vec<String>,
    named: Vec<String>,
}

type Marked = Result<Vec<Migration>, Error>;

impl Case {
    fn random() -> impl Strategy<Value = Self> {
        acyclic().prop_flat_map(|migrations| {
            let (applied, named) = (some_of(&migrations), some_of(&migrations));
            let shuffled = Just(migrations.clone()).prop_shuffle();
            (Just(migrations), shuffled, applied, named).prop_map(|(migrations, shuffled, applied, named)| Self {
                migrations,
                shuffled,
                applied,
                named,
            })
        })
    }

    fn is_applied(&self, id: &str) -> bool {
        self.applied.iter().any(|applied| applied == id)
    }

    fn is_named(&self, id: &str) -> bool {
        self.named.iter().any(|named| named == id)
    }

    fn mark_applied(&self, migrations: &[Migration], ids: &[String], baseline: bool) -> Marked {
        let state = |id: &str| if self.is_applied(id) { State::Completed } else { State::Failed };
        mark_applied(&graph(migrations), ids, baseline, state)
    }

    fn mark_pending(&self, migrations: &[Migration]) -> Marked {
        let state = |id: &str| if self.is_applied(id) { State::Completed } else { State::Failed };
        mark_pending(&graph(migrations), &self.named, |id| self.is_applied(id), state)
    }
}

fn graph(migrations: &[Migration]) -> Graph {
    Graph::new(&migrations.iter().copied().collect()).expect("no mistakes")
}

fn order(migrations: &[Migration]) -> Vec<Migration> {
    graph(migrations).order().collect()
}

/// The refused ids.
fn refused(error: Error) -> BTreeSet<&'static str> {
    let errors = match error {
        Error::Several { errors } => errors,
        other => vec![other],
    };
    let ids = errors.into_iter().map(|error| match error {
        Error::DependenciesPending { id, .. } | Error::DependentsApplied { id, .. } => id,
        other => panic!("{other}"),
    });
    ids.collect()
}

fn outcome(marked: Marked) -> String {
    marked.map_or_else(|error| error.to_string(), ids)
}

proptest! {
    #[test]
    fn i3_marking_as_applied_is_refused_if_and_only_if_a_dependency_is_pending(case in Case::random()) {
        let changes = |id: &str| case.is_named(id) && !case.is_applied(id);
        let in_the_air = |migration: &&Migration| {
            let stands = |id: &&str| case.is_applied(id) || case.is_named(id);
            changes(migration.id()) && !migration.dependencies().iter().all(stands)
        };
        let in_the_air: BTreeSet<_> = case.migrations.iter().filter(in_the_air).map(Migration::id).collect();
        match case.mark_applied(&case.migrations, &case.named, false) {
            Ok(marked) => {
                prop_assert!(in_the_air.is_empty());
                let expected = order(&case.migrations).into_iter().filter(|migration| changes(migration.id()));
                prop_assert_eq!(ids(marked), ids(expected));
            }
            Err(error) => prop_assert_eq!(refused(error), in_the_air),
        }
    }

    #[test]
    fn i3_marking_as_pending_is_refused_if_and_only_if_a_dependent_is_applied(case in Case::random()) {
        let changes = |id: &str| case.is_named(id) && case.is_applied(id);
        let needed = |migration: &&Migration| {
            let stays = |other: &&Migration| case.is_applied(other.id()) && !case.is_named(other.id());
            let stays = case.migrations.iter().filter(stays);
            let needs = |other: &Migration| dependencies(&case.migrations, other.id()).contains(migration.id());
            changes(migration.id()) && stays.into_iter().any(needs)
        };
        let needed: BTreeSet<_> = case.migrations.iter().filter(needed).map(Migration::id).collect();
        match case.mark_pending(&case.migrations) {
            Ok(marked) => {
                prop_assert!(needed.is_empty());
                let expected = order(&case.migrations).into_iter().filter(|migration| changes(migration.id()));
                prop_assert_eq!(ids(marked), ids(expected));
            }
            Err(error) => prop_assert_eq!(refused(error), needed),
        }
    }

    #[test]
    fn a_baseline_is_everything_pending_up_to_its_id(case in Case::random()) {
        for id in case.named.iter().take(1) {
            let order = order(&case.migrations);
            let end = order.iter().position(|migration| migration.id() == id).expect("it is linked in");
            let expected = order.into_iter().take(end + 1).filter(|migration| !case.is_applied(migration.id()));
            let marked = case.mark_applied(&case.migrations, std::slice::from_ref(id), true);
            // Dependencies come first in plan order, so a baseline is never refused.
            prop_assert_eq!(ids(marked.expect("a baseline")), ids(expected));
        }
    }

    #[test]
    fn i5_marks_depend_on_the_set_alone(case in Case::random()) {
        for baseline in [false, true] {
            let [one, other] =
                [&case.migrations, &case.shuffled].map(|set| outcome(case.mark_applied(set, &case.named, baseline)));
            prop_assert_eq!(one, other);
        }
        let [one, other] = [&case.migrations, &case.shuffled].map(|set| outcome(case.mark_pending(set)));
        prop_assert_eq!(one, other);
    }
}
