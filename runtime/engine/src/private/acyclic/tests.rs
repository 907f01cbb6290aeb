//! Graphs are statics here as they are in generated code, so that most of this file is checked while it compiles.

use super::{assert_acyclic, precedes};
use crate::migration::registration::{NodeRef, Registration};

macro_rules! graph {
    ($($name:ident = $key:literal $id:literal -> [$($dependency:ident),*];)*) => {
        $(static $name: Registration = Registration {
            key: $key,
            id: $id,
            visible: &[$(NodeRef::new(&$dependency)),*],
            ..Registration::DEFAULT
        };)*
    };
}

graph! {
    A = 1 "001_a" -> [B, C];
    B = 2 "002_b" -> [D];
    C = 3 "003_c" -> [D];
    D = 4 "004_d" -> [];
    // 005_e -> 007_g -> 006_f -> 005_e, with a way to another cycle that is not its own.
    E = 5 "005_e" -> [A, G];
    F = 6 "006_f" -> [E];
    G = 7 "007_g" -> [D, H, F];
    H = 8 "008_h" -> [I];
    I = 9 "module:menu:001_i" -> [H];
}

const _: () = assert_acyclic(NodeRef::new(&A), NodeRef::new(&B));
const _: () = assert_acyclic(NodeRef::new(&A), NodeRef::new(&C));
// `001_a` leads to no cycle, and a cycle without it would not be its own.
const _: () = assert_acyclic(NodeRef::new(&A), NodeRef::new(&H));

#[test]
#[should_panic(
    expected = "Circular dependency detected: 005_e -> 007_g -> 006_f -> 005_e. Remove one of these dependencies to break the cycle."
)]
fn the_smallest_id_of_a_cycle_reports_it() {
    assert_acyclic(NodeRef::new(&E), NodeRef::new(&G));
}

#[test]
#[should_panic(expected = "Circular dependency detected: 008_h -> module:menu:001_i -> 008_h.")]
fn a_cycle_across_sources_is_one_too() {
    assert_acyclic(NodeRef::new(&H), NodeRef::new(&I));
}

/// A node, and the first of `count` nodes in a row from it; the last one depends on it if `closed`.
fn row(count: u32, closed: bool) -> (NodeRef, NodeRef) {
    let node = |number: u32, visible: Vec<NodeRef>| {
        NodeRef::new(Box::leak(Box::new(Registration {
            key: u128::from(number) + 1,
            id: format!("{number:06}_step").leak(),
            visible: visible.leak(),
            ..Registration::DEFAULT
        })))
    };
    let origin = node(0, vec![]);
    let mut first = node(count, if closed { vec![origin] } else { vec![] });
    for number in (1..count).rev() {
        first = node(number, vec![first]);
    }
    (origin, first)
}

#[test]
fn a_graph_that_outgrows_the_small_search_is_walked_all_the_same() {
    for count in [1, 47, 48, 49, 768, 5_000] {
        let (origin, first) = row(count, false);
        assert_acyclic(origin, first);
        let (origin, first) = row(count, true);
        let found = std::panic::catch_unwind(|| assert_acyclic(origin, first));
        assert!(found.is_err(), "{count}");
    }
}

#[test]
fn ids_are_compared_like_strings() {
    let ids = ["", "001_a", "001_a-b", "001_aa", "002", "module:a:001", "module:a-b:001"];
    for left in ids {
        for right in ids {
            assert_eq!(precedes(left, right), left < right, "{left} {right}");
        }
    }
}
