//! An application with the command line, as users write it: `my-app migrate <command>`, or mounted in the application's
//! own command line as `my-app tools db <command>`.

mod migrations;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mongrate::MigratorBuilder;
use mongrate_cli::Cli;

/// The application's own command line.
#[derive(Debug, Parser)]
#[command(name = "my-app")]
enum MyApp {
    /// For those who operate it
    #[command(subcommand)]
    Tools(Tools),
}

#[derive(Debug, Subcommand)]
enum Tools {
    /// Migrates the database
    Db(Cli),
    /// Says hello
    Hello,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(cli) = Cli::from_args() {
        return cli.run(configure).await;
    }
    match MyApp::parse() {
        MyApp::Tools(Tools::Db(cli)) => cli.run(configure).await,
        MyApp::Tools(Tools::Hello) => {
            println!("hello");
            ExitCode::SUCCESS
        }
    }
}

fn configure(builder: MigratorBuilder) -> MigratorBuilder {
    builder.codebase_version("1.2.3")
}
