//! Runs many processes that migrate under faults, and counts the effects: `cargo run -p mongrate-tests --bin chaos`.
//!
//! It works in rounds, each in its own database, on one server. In a round, several processes with a short lease apply
//! a dozen migrations of all kinds, and in some rounds revert some of them and apply them again, while faults are
//! injected. At the end, every effect is counted. All random choices are determined by the seed and the number of the
//! round.

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

/// Runs rounds and prints their results. Returns whether nothing was found.
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
            print_findings(&outcome, &plan);
            println!(
                "\nRepeat with: cargo run -p mongrate-tests --bin chaos -- --seed {seed} --round {number} --topology {topology}\n"
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

/// Runs a round on its own thread and runtime, which clean up clients and proxies that it leaves behind.
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
    // Do not wait for tasks that may still be running.
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

fn print_findings(outcome: &Outcome, plan: &Plan) {
    println!("\nFindings:");
    for finding in &outcome.findings {
        println!("  {finding}");
    }
    println!("\nSchedule: {plan}\n\nEvents:\n{}\n{}", outcome.tally.log, outcome.dump);
}

/// The work of a process: `uri database lease_ms [back_to]`.
pub async fn work(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match *arguments {
        [uri, database, lease_ms] => worker::run(uri, database, lease_ms, None).await,
        [uri, database, lease_ms, back_to] => worker::run(uri, database, lease_ms, Some(back_to)).await,
        _ => Err(format!("worker: unknown arguments {arguments:?}").into()),
    }
}

/// A connection string that detects a stopped server within seconds. Otherwise a lease of a few seconds would be lost.
fn impatient(uri: &str) -> String {
    format!("{uri}&heartbeatFrequencyMS=1000&connectTimeoutMS=2000&serverSelectionTimeoutMS=10000")
}
