//! A small axum service with a past: its database begins in the shape of version 1, and migrations bring it to today's
//! before the service starts.

pub mod api;
pub mod command_line;
pub mod database;
pub mod menu;
mod migrations;
pub mod progress;
pub mod seed;
pub mod showcase;

use std::time::Instant;

use mongodb::Database;
use mongrate::{Migrator, MigratorBuilder};

use crate::progress::elapsed;
use crate::showcase::Showcase;

/// Sets the options of this application's migrator; it has everything that is linked in, the plugin's migrations too.
///
/// They are linked in because [`api`] calls the plugin. rustc leaves out a crate that is never named, so an application
/// that wants only a plugin's migrations says `use whale_alerts as _;`.
pub fn configure(builder: MigratorBuilder) -> MigratorBuilder {
    builder.actor("sample-app").codebase_version(env!("CARGO_PKG_VERSION"))
}

/// The migrator of this application for a database of which there is a handle already: to read where it stands.
pub fn migrator(database: &Database) -> Result<Migrator, mongrate::Error> {
    configure(Migrator::builder(database.clone())).build()
}

/// Loads version 1 if the database is empty, applies what is pending unless the environment says otherwise, and prints what
/// it does.
pub async fn bring_up_to_date(builder: MigratorBuilder) -> anyhow::Result<()> {
    let migrator = builder.clone().build()?;
    let database = migrator.database();
    let plan = migrator.plan().await?;
    let began = Instant::now();
    if seed::load(database).await? {
        println!("Loaded {} customers of version 1 in {}.", seed::CUSTOMERS, elapsed(began.elapsed()));
    }
    if !plan.is_empty() {
        println!("\n{plan}\n");
    }
    let showcase = Showcase::before(database).await?;
    let began = Instant::now();
    let booted = progress::printed(builder.events(), builder.boot()).await?;
    let (None, Some(report)) = (booted.error(), booted.report()) else {
        println!("{booted}");
        return Ok(());
    };
    for warning in report.warnings() {
        println!("warning: {warning}");
    }
    match report.applied().count() {
        0 => println!("{report}"),
        applied => println!("Applied {applied} in {}.\n", elapsed(began.elapsed())),
    }
    showcase.print_after(database).await
}
