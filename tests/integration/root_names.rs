//! The root of `mongrate` re-exports only what users type every day. Everything else lives in a module named for its subject.

use super::imports::re_exports;

/// A name is added only if the signature or an attribute of a migration mentions it.
const NAMES: [&str; 18] = [
    "Backfill",
    "Effect",
    "Error",
    "Kind",
    "Migration",
    "Migrator",
    "MigratorBuilder",
    "Plan",
    "Raw",
    "Registry",
    "Report",
    "Schema",
    "Source",
    "Tx",
    "history",
    "migration",
    "source",
    "status",
];

#[test]
fn the_root_has_only_these_names() {
    const { assert!(NAMES.len() <= 18) };
    assert_eq!(re_exports("runtime/engine"), NAMES);
}
