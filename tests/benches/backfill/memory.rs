//! The peak memory of a process that runs a backfill of few or of many documents.

use std::env::current_exe;
use std::fs;
use std::process::Command;

use mongodb::Client;
use mongrate_testkit::mongod::Mongod;

use crate::{Result, engine, orders};

/// What tells a child from the bench itself.
pub(crate) const CHILD: &str = "--child";

const SOURCES: [&str; 2] = ["module:bench-server", "module:bench-client"];

/// Runs a backfill and prints the peak memory of this process.
pub(crate) async fn child(uri: &str, source: &str) -> Result<()> {
    let source = SOURCES.into_iter().find(|known| *known == source).ok_or("an unknown source")?;
    engine::run(Client::with_uri_str(uri).await?.database("backfill"), source).await?;
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    println!("{}", peak.trim());
    Ok(())
}

pub(crate) async fn compare(server: &Mongod) -> Result<()> {
    let database = server.client().await?.database("backfill");
    for documents in [20_000, 1_000_000] {
        orders::fill(&database, documents).await?;
        for source in SOURCES {
            orders::reset(server, &database).await?;
            let output = Command::new(current_exe()?).args([CHILD, &server.uri(), source]).output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into());
            }
            println!("{documents} documents, {source}: {}", String::from_utf8_lossy(&output.stdout).trim());
        }
        database.drop().await?;
    }
    Ok(())
}
