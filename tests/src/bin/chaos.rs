//! Runs processes that migrate under faults, and counts the effects. See docs/RELIABILITY.md.

use std::env;
use std::process::ExitCode;

use mongrate_tests::chaos::{self, Arguments, HELP};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let good = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", ref arguments @ ..] => work(arguments).map(|()| true),
        _ => match Arguments::parse(&words) {
            Ok(Some(arguments)) => chaos::drive(arguments),
            Ok(None) => {
                print!("{HELP}");
                Ok(true)
            }
            Err(mistake) => Err(mistake.into()),
        },
    };
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work(arguments: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    Runtime::new()?.block_on(chaos::work(arguments))
}
