//! Migrates, and then serves. `MONGODB_URI` sets another database than the sample's own, `PORT` another port than 3000,
//! and `MONGRATE_AUTO=false` and other variables configure the migration. `--once` exits after migrating. `sample-app
//! migrate` is the command line.

use std::env;
use std::process::ExitCode;

use mongrate::Migrator;
use mongrate_cli::Cli;
use sample_app::command_line::{self, failed};
use sample_app::database::Place;
use sample_app::{api, bring_up_to_date, configure};

const USAGE: &str = "usage: sample-app [--once]\n       sample-app migrate <command>\n\n  --once        exit after migrating\n  \
    migrate       show, apply and revert migrations; see `migrate --help`\n\n\
    environment:\n  MONGODB_URI   the database to use instead of a local one, such as mongodb://localhost/sample\n  \
    PORT          the port to serve on instead of 3000\n  \
    ADMIN_API_TOKEN  the token for the admin page instead of one made for this start\n  \
    MONGRATE_*    configure the migration, see docs/guide/running.md; MONGRATE_AUTO=false only checks";

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(cli) = Cli::from_args() {
        return command_line::run(cli).await;
    }
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    let once = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--once"] => true,
        ["--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(once).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn serve(once: bool) -> anyhow::Result<()> {
    let place = Place::open().await?;
    println!("Using the {}.", place.description);
    let result = migrate_and_serve(&place, once).await;
    place.close().await;
    result
}

async fn migrate_and_serve(place: &Place, once: bool) -> anyhow::Result<()> {
    let mut booted = bring_up_to_date(configure(place.builder.clone())).await?;
    let served = if once { Ok(()) } else { serve_on(place, booted.migrator()).await };
    // The backfills end their batches, so that the next start goes on at once.
    booted.migrator().shutdown().await;
    booted.backfilled().await;
    served
}

async fn serve_on(place: &Place, migrator: &Migrator) -> anyhow::Result<()> {
    if let Some(uri) = &place.uri {
        println!("\nWhile it is serving, use the command line with:\n  sample-app migrate status --uri '{uri}'");
    }
    api::serve(migrator).await
}
