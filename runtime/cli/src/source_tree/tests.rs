//! Source trees of a few files. The migrations of a drawing are in src/migrations.rs.

use tempfile::TempDir;

use super::*;
use crate::fixtures::drawings::draw;

const PACKAGE: &str = "[package]\nname = \"a\"\n";
const WORKSPACE: &str = "[workspace]\nmembers = [\"app\"]\n";
const MIGRATION: &str = "#[migration(id = \"001_a\")]";

fn tree(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let file = folder.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

fn crate_of(tree: &TempDir, start: &str) -> Option<PathBuf> {
    let registry = draw("001_a");
    let sources = SourceTree::around(tree.path().join(start), false, &registry);
    let migration = registry.get("001_a").unwrap();
    assert_eq!(sources.file(migration).is_some(), sources.crate_of(migration).is_some());
    let found = sources.crate_of(migration)?;
    assert_eq!(sources.by_crate(&registry), BTreeMap::from([(found.clone(), vec![migration])]));
    Some(found.strip_prefix(tree.path()).unwrap().to_owned())
}

#[test]
fn a_crate_is_found_from_any_folder_in_it() {
    let tree = tree(&[("app/Cargo.toml", PACKAGE), ("app/src/migrations.rs", MIGRATION)]);
    assert_eq!(crate_of(&tree, "app"), Some("app".into()));
    assert_eq!(crate_of(&tree, "app/src"), Some("app".into()));
    assert_eq!(crate_of(&tree, ""), None);
}

#[test]
fn a_crate_is_found_from_another_one_of_its_workspace() {
    let tree = tree(&[
        ("Cargo.toml", &format!("{WORKSPACE}{PACKAGE}")),
        ("src/migrations.rs", MIGRATION),
        ("app/Cargo.toml", PACKAGE),
        // Of the same name, but not the one.
        ("app/src/migrations.rs", "#[migration(id = \"002_b\")]"),
    ]);
    assert_eq!(crate_of(&tree, "app"), Some("".into()));
}

#[test]
fn another_project_is_not_taken_for_the_source_tree() {
    let tree = tree(&[("Cargo.toml", PACKAGE), ("src/migrations.rs", "#[migration(id = \"001_other\")]")]);
    assert_eq!(crate_of(&tree, ""), None);
}

#[test]
fn a_workspace_is_no_crate() {
    let tree = tree(&[("Cargo.toml", WORKSPACE), ("src/migrations.rs", MIGRATION)]);
    let sources = SourceTree::around(tree.path().to_owned(), true, &draw("001_a"));
    assert!(sources.own_crate().is_err());
    assert_eq!(sources.by_crate(&draw("001_a")), BTreeMap::new());
}

#[test]
fn the_crate_that_cargo_runs_has_a_part_even_without_migrations() {
    let tree = tree(&[("Cargo.toml", WORKSPACE), ("app/Cargo.toml", "name = \"a\"\n[ package ]\n")]);
    let app = tree.path().join("app");
    let sources = |by_cargo| SourceTree::around(app.clone(), by_cargo, &draw("001_a"));
    assert_eq!(sources(true).by_crate(&draw("001_a")), BTreeMap::from([(app.clone(), vec![])]));
    assert_eq!(sources(false).by_crate(&draw("001_a")), BTreeMap::new());
    assert_eq!(sources(false).own_crate().unwrap(), app);
}
