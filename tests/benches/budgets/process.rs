//! This program as a child process: one of the things that are compared.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::Migrator;

use crate::{Result, migrations};

/// What tells a child from the bench itself.
pub(crate) const CHILD: &str = "--child";

/// Does one thing and ends.
pub(crate) async fn child(mode: &str, uri: &str, database: &str) -> Result<()> {
    #[cfg(feature = "compare")]
    if mode == "competitor" {
        return crate::competitor::migrate(uri, database).await;
    }
    let database: Database = Client::with_uri_str(uri).await?.database(database);
    match mode {
        "find" => {
            let records = database.collection::<Document>("migrations");
            let all: Vec<Document> = records.find(doc! {}).batch_size(1_000_000).await?.try_collect().await?;
            assert_eq!(all.len(), 1000);
        }
        "thousand" => up(database, 1000).await?,
        "twenty" => up(database, 20).await?,
        _ => return Err(format!("what is {mode}?").into()),
    }
    Ok(())
}

async fn up(database: Database, count: usize) -> Result<()> {
    Migrator::builder(database).registry(migrations::inserting(count)).build().unwrap().up().await?;
    Ok(())
}

/// Starts a child.
pub(crate) fn start(mode: &str, uri: &str, database: &str) -> Result<Child> {
    let program = std::env::current_exe()?;
    Ok(Command::new(program).args([CHILD, mode, uri, database]).stdin(Stdio::null()).spawn()?)
}

/// How long a child takes from its start to its end.
pub(crate) fn time(mode: &str, uri: &str, database: &str) -> Result<Duration> {
    let began = Instant::now();
    let status = start(mode, uri, database)?.wait()?;
    if status.success() { Ok(began.elapsed()) } else { Err(format!("{mode} failed: {status}").into()) }
}

/// The one in the middle.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// In milliseconds.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
