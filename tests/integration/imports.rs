//! The crates have no circle of imports, between files or between top-level modules.
//!
//! An import is a `use` or a path in code. A name that a module re-exports counts as an import of the module that defines it. Tests
//! and documentation are left out.

mod reading;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::reading::re_exports;
use self::reading::{Module, imports};

/// Which module imports which others.
type Arrows = BTreeMap<Module, BTreeSet<Module>>;

const CRATES: [&str; 5] = ["macros", "runtime/engine", "runtime/cli", "runtime/admin", "runtime/testkit"];

#[test]
fn no_two_files_import_each_other() {
    let found: Vec<_> = CRATES.iter().map(|name| (name, circles(&imports(name)))).collect();
    assert!(found.iter().all(|(_, circles)| circles.is_empty()), "{found:#?}");
}

#[test]
fn no_two_top_level_modules_of_the_engine_import_each_other() {
    let mut rooms = Arrows::new();
    for (from, to) in imports("runtime/engine") {
        let room = |module: &Module| module.iter().take(1).cloned().collect::<Module>();
        // The root only re-exports.
        let others = to.iter().map(room).filter(|other| *other != room(&from) && !other.is_empty());
        rooms.entry(room(&from)).or_default().extend(others);
    }
    rooms.remove(&Module::new());
    let circles = circles(&rooms);
    assert!(circles.is_empty(), "{circles:#?}");
    assert!(rooms.len() <= 16, "{} top-level modules", rooms.len());
}

/// The sets of modules that import each other, directly or not, each with the arrows within it.
fn circles(arrows: &Arrows) -> Vec<Vec<String>> {
    let reached: BTreeMap<_, _> = arrows.keys().map(|module| (module, reachable(arrows, module))).collect();
    let mut circles = BTreeSet::new();
    for (module, reached_from) in &reached {
        if reached_from.contains(*module) {
            let others =
                reached_from.iter().filter(|other| reached.get(other).is_some_and(|back| back.contains(*module)));
            circles.insert(others.cloned().collect::<BTreeSet<_>>());
        }
    }
    let within = |circle: &BTreeSet<Module>| {
        let mut lines = Vec::new();
        for from in circle {
            lines.extend(
                arrows[from].intersection(circle).map(|to| format!("{} -> {}", from.join("::"), to.join("::"))),
            );
        }
        lines
    };
    circles.iter().map(within).collect()
}

fn reachable(arrows: &Arrows, from: &Module) -> BTreeSet<Module> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        for to in arrows.get(module).into_iter().flatten() {
            if reached.insert(to.clone()) {
                next.push(to);
            }
        }
    }
    reached
}

#[test]
fn a_circle_is_found() {
    let module = |name: &str| vec![name.to_owned()];
    let arrows =
        [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")].map(|(from, to)| (module(from), BTreeSet::from([module(to)])));
    assert_eq!(circles(&arrows.into()), [["a -> b", "b -> c", "c -> a"]]);
}
