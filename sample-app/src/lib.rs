//! A small axum service with a history: its database starts in the format of version 1, and migrations convert it to
//! the current format before the service starts.

pub mod admin;
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
use mongrate::migrator::Booted;
use mongrate::{Migrator, MigratorBuilder};

use crate::progress::elapsed;
use crate::showcase::Showcase;

/// Sets the options of this application's migrator, which has all linked migrations, including the plugin's.
///
/// They are linked because [`api`] calls the plugin. rustc omits a crate that is never named, so an application that
/// uses only a plugin's migrations needs `use whale_alerts as _;`.
pub fn configure(builder: MigratorBuilder) -> MigratorBuilder {
    builder.actor("sample-app").codebase_version(env!("CARGO_PKG_VERSION"))
}

/// Builds a migrator for an existing handle, to read the status.
pub fn migrator(database: &Database) -> Result<Migrator, mongrate::Error> {
    configure(Migrator::builder(database.clone())).build()
}

/// Loads version 1 into an empty database, applies the pending migrations unless the environment disables it, and
/// prints the progress.
pub async fn bring_up_to_date(builder: MigratorBuilder) -> anyhow::Result<Booted> {
    let migrator = builder.clone().build()?;
    let database = migrator.database();
    let plan = migrator.plan().await?;
    let began = Instant::now();
    if seed::load(database, seed::ORDERS).await? {
        let (customers, orders) = (seed::CUSTOMERS, seed::CUSTOMERS * seed::ORDERS);
        println!("Loaded {customers} customers and {orders} orders of version 1 in {}.", elapsed(began.elapsed()));
    }
    if !plan.is_empty() {
        println!("\n{plan}\n");
    }
    let showcase = Showcase::before(database).await?;
    let began = Instant::now();
    let booted = progress::printed(builder.events(), builder.boot()).await?;
    let (None, Some(report)) = (booted.error(), booted.report()) else {
        println!("{booted}");
        return Ok(booted);
    };
    for warning in report.warnings() {
        println!("warning: {warning}");
    }
    match report.applied().count() {
        0 => println!("{report}"),
        applied => println!("Applied {applied} in {}.\n", elapsed(began.elapsed())),
    }
    showcase.print_after(database).await?;
    for id in report.underway() {
        println!(
            "\n{id} goes on while the sample serves: watch and pause it on the admin page, or with `migrate backfill`."
        );
    }
    Ok(booted)
}
