use std::collections::BTreeSet;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::tests::held_up;
use super::*;
use crate::migration::Source;
use crate::plan::fixtures::ids;
use crate::plan::fixtures::random::{acyclic, any_graph, dependencies, shuffled};

/// The order by definition: repeatedly the smallest free migration.
fn order_by_definition(migrations: &[Migration]) -> Vec<Migration> {
    let mut rest = migrations.to_vec();
    rest.sort_by_key(|migration| tie(*migration));
    let mut order: Vec<Migration> = Vec::new();
    while !rest.is_empty() {
        let done: BTreeSet<_> = order.iter().map(Migration::id).collect();
        let free = rest.iter().position(|migration| migration.dependencies().iter().all(|id| done.contains(id)));
        order.push(rest.remove(free.expect("no cycle")));
    }
    order
}

fn tie(migration: Migration) -> (Source<'static>, &'static str) {
    (migration.source(), migration.id())
}

fn find(migrations: &[Migration], id: &str) -> Migration {
    *migrations.iter().find(|migration| migration.id() == id).expect("it was drawn")
}

proptest! {
    #[test]
    fn i3_every_migration_comes_after_its_dependencies(migrations in acyclic()) {
        let registry: Registry = migrations.iter().copied().collect();
        let mut before = BTreeSet::new();
        for migration in &registry {
            prop_assert!(migration.dependencies().iter().all(|id| before.contains(id)));
            prop_assert!(before.insert(migration.id()), "each once");
        }
        prop_assert_eq!(before.len(), migrations.len());
    }

    #[test]
    fn i5_order_depends_on_the_set_alone((one, other) in shuffled(acyclic())) {
        let expected = ids(order_by_definition(&one));
        let (one, other): (Registry, Registry) = (one.into_iter().collect(), other.into_iter().collect());
        prop_assert_eq!(ids(&one), &*expected);
        prop_assert_eq!(ids(&other), &*expected);
    }

    #[test]
    fn i5_selecting_a_source_preserves_the_order(migrations in acyclic()) {
        let registry: Registry = migrations.into_iter().collect();
        for source in [Source::System, Source::Module("a"), Source::Module("b"), Source::Plugin("a")] {
            let of_source = registry.iter().filter(|migration| migration.source() == source);
            prop_assert_eq!(ids(registry.source(&source.to_string())), ids(of_source));
        }
    }

    #[test]
    fn i5_faults_depend_on_the_set_alone((one, other) in shuffled(any_graph())) {
        let (one, other): (Registry, Registry) = (one.into_iter().collect(), other.into_iter().collect());
        let outcome = |registry: &Registry| registry.verify().err().map(|error| error.to_string());
        prop_assert_eq!(outcome(&one), outcome(&other));
        prop_assert_eq!(ids(&one), ids(&other));
    }

    #[test]
    fn a_reported_cycle_is_a_cycle(migrations in any_graph()) {
        let errors = match migrations.iter().copied().collect::<Registry>().verify() {
            Ok(()) => Vec::new(),
            Err(Error::Several { errors }) => errors,
            Err(error) => vec![error],
        };
        let on_a_cycle = migrations.iter().filter(|migration| dependencies(&migrations, migration.id()).contains(migration.id()));
        let mut unreported: BTreeSet<_> = on_a_cycle.map(Migration::id).collect();
        for error in errors {
            let Error::Cycle { path } = error else { panic!("{error}") };
            let start = find(&migrations, path[0]);
            prop_assert_eq!(path.last(), path.first());
            prop_assert_eq!(path.iter().collect::<BTreeSet<_>>().len(), path.len() - 1, "no node twice");
            for pair in path.windows(2) {
                prop_assert!(find(&migrations, pair[0]).dependencies().contains(&pair[1]));
                prop_assert!(tie(start) <= tie(find(&migrations, pair[0])));
            }
            let component = dependencies(&migrations, start.id());
            unreported.retain(|id| !(component.contains(id) && dependencies(&migrations, id).contains(start.id())));
        }
        prop_assert!(unreported.is_empty(), "{:?}", unreported);
    }

    #[test]
    fn dependents_mirror_dependencies(migrations in acyclic()) {
        let graph = Graph::new(&migrations.iter().copied().collect()).expect("no mistakes");
        for migration in &migrations {
            let expected = graph.order().filter(|other| dependencies(&migrations, other.id()).contains(migration.id()));
            prop_assert_eq!(held_up(&graph, &[migration.id()]), ids(expected));
        }
    }
}
