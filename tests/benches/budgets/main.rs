//! The budgets of the design, measured: `cargo bench -p mongrate-tests --features compare`.
//!
//! Whole processes are measured by starting this program again, several times and by turns with what they are compared
//! to, against one local server. What is printed is the median. Without the feature `compare`, what needs
//! mongodb-migrator is left out.

mod boot;
mod commands;
#[cfg(feature = "compare")]
mod competitor;
mod dependencies;
mod fleet;
mod graph;
mod migrations;
mod process;
mod table;
mod thousand;

use mongrate::mongod::Mongod;

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
    table::head();
    graph::measure()?;
    commands::measure(&server).await?;
    dependencies::measure()?;
    thousand::measure(&server).await?;
    boot::measure(&server, &uri).await?;
    fleet::measure(&server).await?;
    server.shutdown().await;
    Ok(())
}
