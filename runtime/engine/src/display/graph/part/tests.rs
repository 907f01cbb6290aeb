use std::collections::BTreeSet;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::plan::Registry;
use crate::plan::fixtures::draw;
use crate::plan::fixtures::random::{acyclic, dependencies};

const DRAWING: &str = "
    001_a <- 002_b <- 003_c
    001_a <- module:menu:001_x <- module:menu:002_y
    002_b <- module:menu:002_y
    009_z
";

fn drawn(drawing: &str) -> Drawing {
    Drawing::new(draw(drawing))
}

/// `a > b` for each edge.
fn edges(drawing: &Drawing) -> Vec<String> {
    let id = |index: usize| drawing.nodes[index].id;
    drawing.edges.iter().map(|&(from, to)| format!("{} > {}", id(from), id(to))).collect()
}

fn ids(drawing: &Drawing) -> Vec<&str> {
    drawing.nodes.iter().map(|node| node.id).collect()
}

#[test]
fn around_one_is_all_that_leads_there_and_all_that_it_leads_to() {
    let around = drawn(DRAWING).around(usize::MAX, |id| id == "002_b");
    assert_eq!(ids(&around), ["001_a", "002_b", "003_c", "module:menu:002_y"]);
    assert_eq!(edges(&around), ["001_a > 002_b", "002_b > 003_c", "002_b > module:menu:002_y"]);
}

#[test]
fn around_several_is_what_is_around_any_of_them() {
    let around = drawn(DRAWING).around(usize::MAX, |id| ["009_z", "module:menu:001_x"].contains(&id));
    assert_eq!(ids(&around), ["001_a", "009_z", "module:menu:001_x", "module:menu:002_y"]);
}

#[test]
fn around_one_is_as_deep_as_wanted() {
    let drawing = drawn("001_a <- 002_b <- 003_c <- 004_d <- 005_e\n002_b <- 006_f\n001_a <- 003_c");
    let around = |depth| drawing.clone().around(depth, |id| id == "003_c");
    assert_eq!(ids(&around(0)), ["003_c"]);
    assert_eq!(ids(&around(1)), ["001_a", "002_b", "003_c", "004_d"]);
    // Another dependent of a dependency is not around it.
    assert_eq!(ids(&around(2)), ["001_a", "002_b", "003_c", "004_d", "005_e"]);
}

#[test]
fn of_one_source_are_its_own_and_what_they_depend_on() {
    let menu = drawn(DRAWING).of_source("module:menu");
    assert_eq!(ids(&menu), ["001_a", "002_b", "module:menu:001_x", "module:menu:002_y"]);
    let foreign: Vec<_> = menu.nodes.iter().map(|node| node.is_foreign).collect();
    assert_eq!(foreign, [true, true, false, false]);
    // How the foreign ones depend on each other is not the matter.
    assert_eq!(
        edges(&menu),
        ["001_a > module:menu:001_x", "module:menu:001_x > module:menu:002_y", "002_b > module:menu:002_y"]
    );
}

#[test]
fn what_follows_from_others_is_left_out() {
    let drawing = drawn("001_a <- 002_b <- 003_c <- 004_d\n001_a, 002_b <- 004_d\n001_a <- 003_c").reduced();
    assert_eq!(edges(&drawing), ["001_a > 002_b", "002_b > 003_c", "003_c > 004_d"]);
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_left_over(migrations in acyclic()) {
        let drawing = Drawing::new(migrations.iter().copied().collect::<Registry>()).reduced();
        let index = |id: &str| drawing.nodes.iter().position(|node| node.id == id).expect("a node");
        for (to, node) in drawing.nodes.iter().enumerate() {
            let declared: BTreeSet<_> = dependencies(&migrations, node.id).into_iter().map(index).collect();
            prop_assert_eq!(&upstream(&drawing, to, None), &declared);
            for &edge in drawing.edges.iter().filter(|edge| edge.1 == to) {
                prop_assert!(!upstream(&drawing, to, Some(edge)).contains(&edge.0));
            }
        }
    }
}

/// Everything upstream of a node, by definition; without one of the edges.
fn upstream(drawing: &Drawing, of: usize, without: Option<(usize, usize)>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut look_at = vec![of];
    while let Some(index) = look_at.pop() {
        let edges = drawing.edges.iter().filter(|&&edge| edge.1 == index && Some(edge) != without);
        look_at.extend(edges.map(|edge| edge.0).filter(|&from| found.insert(from)));
    }
    found
}
