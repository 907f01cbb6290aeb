//! `sample-app migrate <command>`.

use std::process::ExitCode;

use mongrate_cli::Cli;

use crate::database::Place;
use crate::{configure, seed};

/// Runs a command on the database in `--uri` or `MONGODB_URI`, or else on the sample's own.
pub async fn run(cli: Cli) -> ExitCode {
    if !cli.needs_database() || Place::is_named() {
        return cli.run(configure).await;
    }
    match Place::open().await {
        Ok(place) => {
            let code = on_our_own(cli, &place).await;
            place.close().await;
            code
        }
        Err(error) => failed(&error),
    }
}

/// Loads the sample data first, so that there is something to migrate.
async fn on_our_own(cli: Cli, place: &Place) -> ExitCode {
    match seed::load(place.builder.database(), seed::ORDERS).await {
        Ok(_) => cli.run_on(configure(place.builder.clone())).await,
        Err(error) => failed(&error),
    }
}

/// Prints an error.
#[must_use]
pub fn failed(error: &anyhow::Error) -> ExitCode {
    // The message of a Mongrate error includes its causes. For other errors, `{:#}` adds them.
    if error.is::<mongrate::Error>() {
        eprintln!("error: {error}");
    } else {
        eprintln!("error: {error:#}");
    }
    ExitCode::FAILURE
}
