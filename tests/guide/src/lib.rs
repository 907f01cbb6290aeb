//! The migrations of `docs/guide/recipes.md`, to run them.

use mongodb::Database;
use mongrate::{Migrator, MigratorBuilder, Registry};

include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

/// Builds a migrator for the migrations with these ids, in a development environment.
pub fn builder(db: &Database, ids: &[&str]) -> MigratorBuilder {
    let migrations: Registry =
        Registry::linked().into_iter().filter(|migration| ids.contains(&migration.id())).collect();
    Migrator::builder(db.clone()).registry(migrations).environment("dev")
}
