//! `sample-app migrate <command>`

use std::process::ExitCode;

use mongrate_cli::Cli;

use crate::database::Place;
use crate::{configure, seed};

/// Runs a command on the database that `--uri` or `MONGODB_URI` names, or else on the sample's own.
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

/// There is something to migrate in it from the first command on.
async fn on_our_own(cli: Cli, place: &Place) -> ExitCode {
    match seed::load(place.builder.database()).await {
        Ok(_) => cli.run_on(configure(place.builder.clone())).await,
        Err(error) => failed(&error),
    }
}

/// Tells what has gone wrong.
#[must_use]
pub fn failed(error: &anyhow::Error) -> ExitCode {
    // An error of Mongrate's tells its cause by itself; others leave it to their sources.
    if error.is::<mongrate::Error>() {
        eprintln!("error: {error}");
    } else {
        eprintln!("error: {error:#}");
    }
    ExitCode::FAILURE
}
