//! Many processes that migrate while everything fails, and a count of what came of it: `cargo run -p mongrate-tests --bin chaos`.
//!
//! It works in rounds, each in a database of its own, on one server. In a round, several processes with a short lease apply a dozen
//! migrations of all kinds, in some rounds take some of them back and apply them again, and all the while a schedule of faults strikes.
//! When it is quiet again, every effect is counted. All that is drawn at random follows from the seed and the number of the round.

mod arguments;
mod check;
mod crew;
mod fault;
mod migrations;
mod plan;
mod random;
mod round;
mod site;
mod tally;
mod worker;

use std::error::Error;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use mongrate_testkit::mongod::Mongod;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

pub use arguments::{Arguments, Extent, HELP, Topology};
use plan::Plan;
use random::Random;
use round::Outcome;
use tally::Tally;

use crate::servers;

/// Runs rounds, tells of each of them and of the whole, and gives whether nothing was found.
pub fn drive(arguments: Arguments) -> Result<bool, Box<dyn Error>> {
    let Arguments { seed, extent, topology } = arguments;
    println!("chaos --seed {seed} --topology {topology}");
    let runtime = Runtime::new()?;
    let members = if topology == Topology::Three { 3 } else { 1 };
    let server = Arc::new(runtime.block_on(servers::builder().members(members).start())?);
    let (began, mut total, mut good) = (Instant::now(), Tally::default(), true);
    let mut number = if let Extent::One(number) = extent { number } else { 0 };
    loop {
        let plan = Plan::draw(&mut Random::of(seed, number), topology);
        let round_began = Instant::now();
        let outcome = run_round(&server, topology, seed, number, &plan)?;
        let tally = &outcome.tally;
        println!(
            "round {number}: {} processes, {} faults, {} take-overs, {} effects, {:.1} s",
            tally.processes,
            tally.faults(),
            tally.take_overs,
            tally.effects,
            round_began.elapsed().as_secs_f64(),
        );
        total.add(tally);
        if !outcome.findings.is_empty() {
            good = false;
            tell(&outcome, &plan);
            println!(
                "\nAgain: cargo run -p mongrate-tests --bin chaos -- --seed {seed} --round {number} --topology {topology}\n"
            );
            break;
        }
        number += 1;
        let over = match extent {
            Extent::One(_) => true,
            Extent::Rounds(count) => number >= count,
            Extent::Time(time) => began.elapsed() >= time,
        };
        if over {
            break;
        }
    }
    println!("\n| seed {seed}, {topology} | {:.0} s |\n|---|---|\n{total}", began.elapsed().as_secs_f64());
    Ok(good)
}

/// On a thread and a runtime of its own, which take with them what a round leaves behind: clients and ways to the server.
fn run_round(
    server: &Arc<Mongod>,
    topology: Topology,
    seed: u64,
    number: u64,
    plan: &Plan,
) -> Result<Outcome, Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let run = || {
        let round = round::run(server.clone(), topology, seed, number, plan);
        runtime.block_on(LocalSet::new().run_until(round))
    };
    let ended = thread::scope(|scope| scope.spawn(run).join());
    // Not waiting for what may still be under way.
    runtime.shutdown_background();
    Ok(ended.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().cloned();
        let message = message.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Outcome {
            tally: Tally { rounds: 1, ..Tally::default() },
            findings: vec![message.unwrap_or_else(|| "the round panicked".to_owned())],
            dump: String::new(),
        }
    }))
}

fn tell(outcome: &Outcome, plan: &Plan) {
    println!("\nFound:");
    for finding in &outcome.findings {
        println!("  {finding}");
    }
    println!("\nThe round: {plan}\n\nWhat happened:\n{}\n{}", outcome.tally.log, outcome.dump);
}

/// What one of the processes does: `uri database lease_ms [back_to]`.
pub async fn work(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match *arguments {
        [uri, database, lease_ms] => worker::run(uri, database, lease_ms, None).await,
        [uri, database, lease_ms, back_to] => worker::run(uri, database, lease_ms, Some(back_to)).await,
        _ => Err(format!("worker: what is {arguments:?}?").into()),
    }
}

/// A connection string with which a stopped server is noticed in seconds: a lease of seconds would be lost otherwise.
fn impatient(uri: &str) -> String {
    format!("{uri}&heartbeatFrequencyMS=1000&connectTimeoutMS=2000&serverSelectionTimeoutMS=10000")
}
