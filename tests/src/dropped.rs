//! A process whose `main` drops the future of a run, and returns: its migrations, and how it does that.

use std::future::IntoFuture;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::{Migrator, Registry, Tx, migration};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::stored::count;

/// The source of the migrations that the process runs.
pub const SOURCE: &str = "module:dropped";

#[migration(id = "001_hang", source = "module:dropped")]
async fn hang(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let things = tx.collection::<Document>("things");
    things.update_one(doc! { "_id": 1 }, doc! { "$inc": { "n": 1 } }).await?;
    println!("hangs");
    std::future::pending().await
}

/// What the process does, on a runtime of this kind: `multi` or `current`. Prints how long dropping took, in milliseconds.
pub fn run(runtime: &str, uri: &str, database: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = if runtime == "multi" { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    let runtime = builder.enable_all().build()?;
    runtime.block_on(async {
        let database = Client::with_uri_str(uri).await?.database(database);
        give_up(migrator(database)?, uri).await
    })
}

fn migrator(database: Database) -> Result<Migrator, mongrate::Error> {
    Migrator::builder(database).registry(Registry::linked().source(SOURCE)).lease(Duration::from_secs(10)).build()
}

/// Drops the future of a run when its body hangs.
async fn give_up(migrator: Migrator, uri: &str) -> Result<(), Box<dyn std::error::Error>> {
    let database = Client::with_uri_str(uri).await?.database(migrator.database().name());
    let mut run = migrator.up().into_future();
    while count(&database, "migrations_lock", doc! { "holder.current": format!("{SOURCE}:001_hang") }).await == 0 {
        if let Ok(ended) = timeout(Duration::from_millis(100), &mut run).await {
            return Err(format!("it does not hang: {ended:?}").into());
        }
    }
    let began = Instant::now();
    drop(run);
    println!("dropped {}", began.elapsed().as_millis());
    Ok(())
}
