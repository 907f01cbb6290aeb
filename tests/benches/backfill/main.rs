//! Ways to rewrite a large collection, side by side: `cargo bench -p mongrate-tests --bench backfill`.
//!
//! Every way adds the same `total` to every order, either on the server or with a value computed in Rust. The rounds are
//! interleaved, and the ratios are to the `updateMany` of the same round, so that a busy machine disturbs them little.
//! The argument `one` or `three` selects the number of members, and `memory` compares the peak memory of few and many documents.
//! `BACKFILL_DOCUMENTS` and `BACKFILL_ROUNDS` set the size;
//! the defaults are for a smoke run.

mod by_hand;
mod client_side;
mod column;
mod cost;
mod engine;
mod keys;
mod memory;
mod orders;
mod protocol;
mod pymongo;
mod ranges;
mod table;

use std::env;

use mongodb::{Client, Database};
use mongrate_testkit::mongod::Mongod;

use crate::column::Column;
use crate::cost::Cost;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [child, uri, source] = &arguments[..]
        && child == memory::CHILD
    {
        return memory::child(uri, source).await;
    }
    let documents = setting("BACKFILL_DOCUMENTS", 20_000)?;
    let rounds = setting("BACKFILL_ROUNDS", 1)?;
    let arguments: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    if arguments.iter().any(|argument| *argument == "memory") {
        let server = Mongod::builder().start().await?;
        memory::compare(&server).await?;
        server.shutdown().await;
        return Ok(());
    }
    for (name, members) in [("one", 1), ("three", 3)] {
        if arguments.is_empty() || arguments.iter().any(|argument| *argument == name) {
            println!("\n{documents} documents, members: {members}, rounds: {rounds}\n");
            let server = Mongod::builder().members(members).start().await?;
            measure(&server, documents, rounds).await?;
            server.shutdown().await;
        }
    }
    Ok(())
}

async fn measure(server: &Mongod, documents: u32, rounds: u32) -> Result<()> {
    let client = server.client().await?;
    let database = client.database("backfill");
    orders::fill(&database, documents).await?;
    let columns = column::all(&server.uri());
    let mut costs: Vec<Vec<Cost>> = columns.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for (column, costs) in columns.iter().zip(&mut costs) {
            let cost = run(server, &client, &database, column, documents).await?;
            eprintln!("round {round}: {} took {:.2} s", column.name, cost.elapsed.as_secs_f64());
            costs.push(cost);
        }
    }
    table::print(&columns, &costs);
    Ok(())
}

async fn run(server: &Mongod, client: &Client, database: &Database, column: &Column, documents: u32) -> Result<Cost> {
    orders::reset(server, database).await?;
    let cost = cost::measure(server, client, documents, (column.run)(database.clone())).await?;
    orders::check(database, documents).await.map_err(|error| format!("{}: {error}", column.name))?;
    Ok(cost)
}

fn setting(name: &str, default: u32) -> Result<u32> {
    let Ok(value) = env::var(name) else { return Ok(default) };
    Ok(value.parse().map_err(|error| format!("{name}={value}: {error}"))?)
}
