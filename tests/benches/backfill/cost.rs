//! What a run costs: time, CPU of the servers, commands.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::time::{Duration, Instant};

use mongodb::Client;
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::server_commands;

use crate::{Result, orders};

/// The unit of the times in `/proc/PID/stat`: Linux counts them in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// What a way did.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) batches: u32,
    /// Batches that the server rolled back and that ran again.
    pub(crate) retries: u32,
}

#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) elapsed: Duration,
    pub(crate) documents_per_second: f64,
    /// CPU of all members together, per document, in microseconds. What the secondaries apply is included.
    pub(crate) cpu: f64,
    pub(crate) commands_per_batch: f64,
    pub(crate) retries: u32,
}

pub(crate) async fn measure(
    server: &Mongod,
    client: &Client,
    documents: u32,
    run: impl Future<Output = Result<Done>>,
) -> Result<Cost> {
    let (before, cpu_before) = (server_commands(client).await, cpu(server)?);
    let began = Instant::now();
    let done = run.await?;
    let elapsed = began.elapsed();
    let after = server_commands(client).await;
    let sent = |names: &[&str]| total(&after, names) - total(&before, names);
    // Mongrate does not tell: each of its batches is a transaction, and so are three changes of the record.
    let batches = if done.batches > 0 { f64::from(done.batches) } else { sent(&["commitTransaction"]) };
    orders::caught_up(server, &client.database("backfill")).await?;
    let cpu = cpu(server)?.saturating_sub(cpu_before);
    Ok(Cost {
        elapsed,
        documents_per_second: f64::from(documents) / elapsed.as_secs_f64(),
        cpu: cpu.as_secs_f64() * 1e6 / f64::from(documents),
        commands_per_batch: sent(&OF_BATCHES) / batches,
        retries: done.retries,
    })
}

/// The commands of batches, by the primary's own counters: the driver's monitoring decodes every command for its events,
/// which would slow the client-side columns down. The secondaries send `getMore`, so it is not counted; no batch does.
const OF_BATCHES: [&str; 3] = ["find", "update", "commitTransaction"];

fn total(counts: &BTreeMap<String, i64>, names: &[&str]) -> f64 {
    let counts = names.iter().filter_map(|name| counts.get(*name)).filter_map(|count| i32::try_from(*count).ok());
    counts.map(f64::from).sum()
}

fn cpu(server: &Mongod) -> Result<Duration> {
    let mut ticks = 0;
    for member in server.members() {
        let pid = member.pid().ok_or("a member is not running")?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name of the program comes before the last parenthesis; user and system time are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(") ").ok_or("/proc/PID/stat has a name")?;
        for time in fields.split(' ').skip(11).take(2) {
            ticks += time.parse::<u32>()?;
        }
    }
    Ok(TICK * ticks)
}
