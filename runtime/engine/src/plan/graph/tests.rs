use super::*;
use crate::migration::Source;
use crate::plan::fixtures::{Drawn, draw, ids};

fn order(drawing: &str) -> String {
    ids(draw(drawing))
}

fn fault(registry: &Registry) -> String {
    registry.verify().expect_err("there is a mistake").to_string()
}

fn dependents_of(registry: &Registry, of: &[&str]) -> Result<String, Error> {
    let graph = Graph::new(registry)?;
    Ok(held_up(&graph, of))
}

/// The migrations held up by these failures.
pub(super) fn held_up(graph: &Graph, failed: &[&str]) -> String {
    let mut held_up = HeldUp::new(graph);
    for id in failed {
        held_up.add(id);
    }
    ids(graph.order().filter(|migration| held_up.contains(migration.id())))
}

/// ```text
/// 001_a <- 002_b <- 004_d
/// ```
#[test]
fn a_chain_runs_from_its_root() {
    assert_eq!(order("001_a <- 002_b <- 004_d"), "001_a 002_b 004_d");
    assert_eq!(order("004_d <- 002_b <- 001_a"), "004_d 002_b 001_a");
}

/// ```text
/// 001_a <---- 003_c <- 004_d <---- 005_e
///            /                    /
/// 002_b <---+--------------------+
/// ```
#[test]
fn a_node_runs_after_all_its_dependencies() {
    let drawing = "
        001_a, 002_b <- 003_c <- 004_d <- 005_e
        002_b <- 005_e
    ";
    assert_eq!(order(drawing), "001_a 002_b 003_c 004_d 005_e");
}

/// ```text
/// 009_z <- 001_a        001_a is free only after 009_z, and then it is the smallest
///          002_b
///          003_c
/// ```
#[test]
fn a_node_runs_as_early_as_its_id_allows() {
    assert_eq!(order("009_z <- 001_a \n 002_b \n 003_c"), "002_b 003_c 009_z 001_a");
    assert_eq!(order("000_z <- 001_a \n 002_b \n 003_c"), "000_z 001_a 002_b 003_c");
}

#[test]
fn i5_ties_are_broken_by_kind_of_source_then_name_then_id() {
    let drawing = "
        plugin:alerts:001_a
        module:menu:002_b
        module:menu:001_a
        module:kitchen:003_c
        2024010112-b
        20240101_dated
        203_b
        002_b
        001_a
    ";
    let expected = "001_a 002_b 203_b 20240101_dated 2024010112-b module:kitchen:003_c module:menu:001_a module:menu:002_b plugin:alerts:001_a";
    assert_eq!(order(drawing), expected);
}

/// ```text
/// module:menu:001_a <- 001_a <- plugin:alerts:001_a
/// ```
#[test]
fn dependencies_cross_sources() {
    let drawing = "module:menu:001_a <- 001_a <- plugin:alerts:001_a";
    assert_eq!(order(drawing), "module:menu:001_a 001_a plugin:alerts:001_a");
}

#[test]
fn an_empty_graph_is_valid() {
    assert!(draw("").verify().is_ok());
    assert_eq!(order(""), "");
}

/// ```text
/// 002_a -> 003_b -> 001_c -> 002_a
/// ```
#[test]
fn a_cycle_is_reported_from_its_smallest_id() {
    let registry = draw("002_a <- 001_c <- 003_b <- 002_a");
    assert_eq!(
        fault(&registry),
        "migrations depend on each other in a cycle: 001_c -> 002_a -> 003_b -> 001_c. Remove one of these dependencies"
    );
}

/// ```text
/// 001_a -> 001_a
/// ```
#[test]
fn a_migration_that_depends_on_itself_is_a_cycle() {
    assert!(fault(&draw("001_a <- 001_a")).starts_with("migrations depend on each other in a cycle: 001_a -> 001_a."));
}

/// ```text
/// 001_a -> 002_b -> 003_c -> 004_d -> 001_a
///            `------------------------^        002_b -> 001_a is the shortcut
/// ```
#[test]
fn the_shortest_cycle_is_reported() {
    let drawing = "
        001_a <- 004_d <- 003_c <- 002_b <- 001_a
        001_a <- 002_b
    ";
    assert!(fault(&draw(drawing)).starts_with("migrations depend on each other in a cycle: 001_a -> 002_b -> 001_a. "));
}

/// ```text
/// 001_a -> 002_b -> 001_a
///      `-> 003_c -> 001_a
/// ```
#[test]
fn of_two_cycles_the_smaller_is_reported_in_any_order_of_deps() {
    for drawing in ["002_b, 003_c <- 001_a <- 002_b, 003_c", "003_c, 002_b <- 001_a <- 003_c, 002_b"] {
        let told = fault(&draw(drawing));
        assert!(told.starts_with("migrations depend on each other in a cycle: 001_a -> 002_b -> 001_a. "));
    }
}

/// ```text
/// 000_z -> 001_a -> 002_b -> 001_a        000_z and 009_y are not on a cycle
///                   002_b -> 009_y
/// 003_c -> 004_d -> 003_c
/// ```
#[test]
fn each_component_is_reported_once_without_its_neighbors() {
    let drawing = "
        009_y <- 002_b <- 001_a <- 000_z
        001_a <- 002_b
        003_c <- 004_d <- 003_c
    ";
    let Err(Error::Several { errors }) = draw(drawing).verify() else {
        panic!("two cycles");
    };
    let paths: Vec<_> = errors
        .iter()
        .map(|error| match error {
            Error::Cycle { path } => path.join(" "),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(paths, ["001_a 002_b 001_a", "003_c 004_d 003_c"]);
    assert_eq!(order(drawing), "009_y 000_z 001_a 002_b 003_c 004_d");
}

#[test]
fn a_missing_dependency_is_reported_with_its_dependent() {
    let registry = draw("?999_nonexistent <- 003_assign_roles");
    assert_eq!(
        fault(&registry),
        "'003_assign_roles' depends on '999_nonexistent', which is not linked into this program. Correct its `deps`, or link in the crate that declares the dependency"
    );
    assert_eq!(ids(&registry), "003_assign_roles");
}

#[test]
fn a_missing_dependency_suggests_a_similar_id() {
    let slip = draw("?001_create_user <- 003_assign_roles \n 001_create_users \n 002_create_orders");
    assert!(fault(&slip).ends_with("into this program. Did you mean '001_create_users'?"));
    let unqualified = draw("?001_add_namespace <- 002_b \n module:menu:001_add_namespace");
    assert!(fault(&unqualified).ends_with("Did you mean 'module:menu:001_add_namespace'?"));
    let elsewhere = draw("?module:menu:001_x <- 002_b \n module:kitchen:001_x \n module:menu:001_xy");
    assert!(fault(&elsewhere).ends_with("Did you mean 'module:kitchen:001_x'?"));
    let itself = draw("?001_create_user <- 001_create_users");
    assert!(fault(&itself).ends_with("link in the crate that declares the dependency"));
}

#[test]
fn a_duplicate_points_at_both_locations() {
    let twin = |line| Drawn { id: "001_a".to_owned(), line, ..Drawn::default() }.leak();
    let registry: Registry = [twin(20), twin(3)].into_iter().collect();
    assert_eq!(
        fault(&registry),
        "two migrations have the id '001_a': src/migrations.rs:3 and src/migrations.rs:20. Give one of them another id"
    );
    assert_eq!(ids(&registry), "001_a 001_a");
}

#[test]
fn all_faults_are_reported_together() {
    let registry = draw("?998_x <- 001_a \n ?999_y <- 002_b \n 003_c <- 003_c").source("module:menu");
    assert_eq!(
        fault(&registry),
        "4 problems:\n\
         - no migration of the source 'module:menu' is linked into this program. The linked-in sources are 'system'\n\
         - '001_a' depends on '998_x', which is not linked into this program. Correct its `deps`, or link in the crate that declares the dependency\n\
         - '002_b' depends on '999_y', which is not linked into this program. Correct its `deps`, or link in the crate that declares the dependency\n\
         - migrations depend on each other in a cycle: 003_c -> 003_c. Remove one of these dependencies"
    );
}

/// ```text
/// 001_a <- 002_b <---- 004_d
///                     /
///          003_c <---+-- module:menu:001_x
/// ```
#[test]
fn dependents_are_found_directly_and_indirectly() -> Result<(), Error> {
    let registry = draw("001_a <- 002_b <- 004_d \n 003_c <- 004_d, module:menu:001_x");
    assert_eq!(dependents_of(&registry, &["001_a"])?, "002_b 004_d");
    assert_eq!(dependents_of(&registry, &["003_c"])?, "004_d module:menu:001_x");
    assert_eq!(dependents_of(&registry, &["001_a", "003_c"])?, "002_b 004_d module:menu:001_x");
    assert_eq!(dependents_of(&registry, &["004_d", "999_x"])?, "");
    Ok(())
}

/// A generated graph: `dependency(n)` are the numbers that `n` depends on.
fn wide(count: usize, dependency: impl Fn(usize) -> Vec<usize>) -> Registry {
    let id = |n: usize| format!("20240101{n:06}_x");
    let node = |n| Drawn { id: id(n), dependencies: dependency(n).into_iter().map(id).collect(), ..Drawn::default() };
    (0..count).map(|n| node(n).leak()).collect()
}

#[test]
fn a_thousand_and_a_hundred_thousand_are_ordered() -> Result<(), Error> {
    for count in [1_000, 100_000] {
        let backwards = wide(count, |n| if n + 1 < count { vec![n + 1] } else { vec![] });
        let fan = wide(count, |n| if n > 0 { vec![0] } else { vec![] });
        // Layers of a hundred; the multipliers scatter the edges.
        let layers = wide(count, |n| {
            let layer = n / 100 * 100;
            let scattered = (1..4).map(|k| n * 7_919 * k % 100);
            if layer > 0 { scattered.map(|place| layer - 100 + place).collect() } else { vec![] }
        });
        for registry in [backwards, fan, layers] {
            registry.verify()?;
            let graph = Graph::new(&registry)?;
            let mut done = vec![false; graph.len()];
            for node in graph.nodes() {
                assert!(graph.dependencies(node).all(|dependency| done[dependency.index()]));
                done[node.index()] = true;
            }
            assert!(done.into_iter().all(|done| done));
        }
    }
    Ok(())
}

#[test]
fn a_cycle_of_a_hundred_thousand_does_not_overflow_the_stack() {
    let ring = wide(100_000, |n| vec![(n + 1) % 100_000]);
    let Err(Error::Cycle { path }) = ring.verify() else {
        panic!("one cycle");
    };
    assert_eq!(path.len(), 100_001);
    assert_eq!(ring.iter().len(), 100_000);
}

#[test]
fn sources_are_compared_by_full_name() {
    assert!(Source::Module("menu") < Source::Module("menu-archive"));
    assert_eq!(order("module:menu-archive:001_a \n module:menu:002_b"), "module:menu:002_b module:menu-archive:001_a");
}
