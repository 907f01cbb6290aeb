//! The budgets of the design, measured: `cargo bench -p mongrate-tests --features compare`.
//!
//! Whole processes are measured by starting this program again, several times and by turns with what they are compared
//! to, against one local server. What is printed is the median. An argument after `--` names the one part to measure:
//! `graph`. Without the feature `compare`, what needs mongodb-migrator is left out.

mod boot;
mod commands;
#[cfg(feature = "compare")]
mod competitor;
mod dependencies;
mod fleet;
mod graph;
mod migrations;
mod page;
mod plans;
mod process;
mod table;
mod thousand;

use mongrate_testkit::mongod::Mongod;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [child, mode, uri, database] = &arguments[..]
        && child == process::CHILD
    {
        return process::child(mode, uri, database).await;
    }
    let server = Mongod::start().await?;
    let uri = server.uri();
    let only = arguments.iter().find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    table::head();
    if wanted("graph") {
        graph::measure()?;
    }
    if wanted("plans") {
        plans::measure(&server).await?;
    }
    if wanted("commands") {
        commands::measure(&server).await?;
    }
    if wanted("page") {
        page::measure(&server).await?;
    }
    if wanted("dependencies") {
        dependencies::measure()?;
    }
    if wanted("thousand") {
        thousand::measure(&server).await?;
    }
    if wanted("boot") {
        boot::measure(&server, &uri).await?;
    }
    if wanted("fleet") {
        fleet::measure(&server).await?;
    }
    server.shutdown().await;
    Ok(())
}
