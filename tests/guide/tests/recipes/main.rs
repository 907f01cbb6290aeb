//! Every recipe does what it says, on a replica set and on a standalone server: effects are counted after `up` and after `down`.

mod documents;
mod indexes;
mod killed;
mod large;
mod outside;
mod pair;
mod recipe;
mod validator;

use std::collections::BTreeSet;

use mongrate::Registry;

/// A new recipe needs a test.
#[test]
fn every_recipe_is_run() {
    let tested = [
        include_str!("documents.rs"),
        include_str!("indexes.rs"),
        include_str!("large.rs"),
        include_str!("outside.rs"),
        include_str!("pair.rs"),
        include_str!("validator.rs"),
    ]
    .concat();
    let recipes = Registry::linked().source("system");
    let untested: BTreeSet<_> =
        recipes.iter().map(|migration| migration.id()).filter(|id| !tested.contains(&format!("\"{id}\""))).collect();
    assert!(untested.is_empty(), "{untested:?}");
    assert!(recipes.len() >= 20, "{}", recipes.len());
}
