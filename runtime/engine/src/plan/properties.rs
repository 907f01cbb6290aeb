mod down;
mod mark;

use std::collections::BTreeSet;

use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::error::Error;
use crate::plan::fixtures::ids;
use crate::plan::fixtures::random::{acyclic, dependencies, shuffled, some_of};
use crate::plan::graph::Graph;

#[derive(Clone, Debug)]
struct Case {
    migrations: Vec<Migration>,
    completed: Vec<String>,
    only: Vec<String>,
}

impl Case {
    fn random() -> impl Strategy<Value = Self> {
        acyclic().prop_flat_map(|migrations| {
            let (completed, only) = (some_of(&migrations), some_of(&migrations));
            (Just(migrations), completed, only).prop_map(|(migrations, completed, only)| Self {
                migrations,
                completed,
                only,
            })
        })
    }

    fn is_completed(&self, id: &str) -> bool {
        self.completed.iter().any(|completed| completed == id)
    }

    fn is_manual(&self, id: &str) -> bool {
        self.migrations.iter().any(|migration| migration.id() == id && migration.is_manual())
    }

    fn up(&self, only: Option<&[String]>) -> Result<Plan, Error> {
        let graph = Graph::new(&self.migrations.iter().copied().collect())?;
        let reach = only.map_or(Reach::All, |ids| Reach::Only(ids.to_vec()));
        Plan::up(&graph, &reach, |id| if self.is_completed(id) { State::Completed } else { State::RolledBack })
    }
}

fn steps(plan: &Plan) -> BTreeSet<&'static str> {
    plan.iter().map(|step| step.migration().id()).collect()
}

/// Checks the invariants of both kinds of plan.
fn check(case: &Case, plan: &Plan) {
    let mut before = BTreeSet::new();
    for step in plan {
        let id = step.migration().id();
        assert!(!case.is_completed(id), "{id} is completed");
        for dependency in dependencies(&case.migrations, id) {
            assert!(case.is_completed(dependency) || before.contains(dependency), "{id} before {dependency}");
        }
        assert!(before.insert(id), "{id} twice");
    }
}

proptest! {
    #[test]
    fn i3_all_dependencies_of_a_step_are_completed_or_precede_it(case in Case::random()) {
        check(&case, &case.up(None).expect("a plan"));
        if let Ok(plan) = case.up(Some(&case.only)) {
            check(&case, &plan);
        }
    }

    #[test]
    fn a_pending_migration_runs_or_waits_for_a_manual_one(case in Case::random()) {
        let plan = case.up(None).expect("a plan");
        let steps = steps(&plan);
        for migration in &case.migrations {
            let id = migration.id();
            let waits_for = plan.blocked().iter().find(|blocked| blocked.migration() == *migration);
            let mut behind = dependencies(&case.migrations, id);
            behind.retain(|id| case.is_manual(id) && !case.is_completed(id));
            let automatic = !case.is_completed(id) && !migration.is_manual();
            prop_assert_eq!(steps.contains(id), automatic && behind.is_empty());
            prop_assert_eq!(waits_for.is_some(), automatic && !behind.is_empty());
            prop_assert!(waits_for.is_none_or(|blocked| behind.contains(blocked.waits_for().id())));
        }
    }

    #[test]
    fn named_migrations_run_with_their_dependencies_and_nothing_else(case in Case::random()) {
        let named: BTreeSet<_> = case.only.iter().map(String::as_str).filter(|id| !case.is_completed(id)).collect();
        let mut wanted = named.clone();
        wanted.extend(named.iter().flat_map(|id| dependencies(&case.migrations, id)));
        wanted.retain(|id| !case.is_completed(id));
        match case.up(Some(&case.only)) {
            Ok(plan) => prop_assert_eq!(steps(&plan), wanted),
            Err(Error::ManualDependency { migration, dependency }) => {
                prop_assert!(wanted.contains(migration) && wanted.contains(dependency));
                prop_assert!(dependencies(&case.migrations, migration).contains(dependency));
                prop_assert!(case.is_manual(dependency) && !named.contains(dependency));
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn unselected_migrations_never_run(case in Case::random()) {
        let registry = case.migrations.iter().copied().collect::<crate::plan::Registry>().source("module:a");
        let state = |id: &str| if case.is_completed(id) { State::Completed } else { State::New };
        let Ok(graph) = Graph::new(&registry) else { return Ok(()) };
        match Plan::up(&graph, &Reach::All, state) {
            Ok(plan) => {
                check(&case, &plan);
                prop_assert!(steps(&plan).iter().all(|id| id.starts_with("module:a:")));
            }
            Err(Error::UnselectedDependency { migration, dependency }) => {
                prop_assert!(!dependency.starts_with("module:a:") && !case.is_completed(dependency));
                prop_assert!(dependencies(&case.migrations, migration).contains(dependency));
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn i5_a_plan_depends_on_the_set_alone((one, other) in shuffled(acyclic())) {
        let plan = |migrations: Vec<Migration>| {
            let graph = Graph::new(&migrations.into_iter().collect()).expect("no mistakes");
            Plan::up(&graph, &Reach::All, |_| State::New).expect("a plan")
        };
        let (one, other) = (plan(one), plan(other));
        prop_assert_eq!(ids(one.iter().map(Step::migration)), ids(other.iter().map(Step::migration)));
        prop_assert_eq!(one, other);
    }
}
