//! A process whose `main` drops the future of a run and returns.

use std::error::Error;
use std::future::IntoFuture;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::{Migrator, MigratorBuilder, Registry, Tx, migration};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::stored::count;

/// Whether the body has had its effect.
static HANGS: AtomicBool = AtomicBool::new(false);

#[migration(id = "001_hang", source = "module:dropped-tx")]
async fn hang(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let things = tx.collection::<Document>("things");
    things.update_one(doc! { "_id": 1 }, doc! { "$inc": { "n": 1 } }).await?;
    HANGS.store(true, Relaxed);
    std::future::pending().await
}

/// Slow on the server for each document.
#[migration(id = "001_slow", source = "module:dropped-raw")]
async fn slow(db: &Database) -> Result<(), mongodb::error::Error> {
    let slowly = doc! { "n": 0, "$where": "sleep(200) || true" };
    db.collection::<Document>("things").update_many(slowly, doc! { "$set": { "n": 1 } }).await.map(drop)
}

/// Runs on a `multi` or `current` runtime, with a handle that is `brought` or from `connect`. Prints how long the drop
/// took, in milliseconds.
pub fn run(runtime: &str, handle: &str, kind: &str, uri: &str, database: &str) -> Result<(), Box<dyn Error>> {
    let mut builder = if runtime == "multi" { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    builder.enable_all().build()?.block_on(async {
        let own = Client::with_uri_str(uri).await?.database(database);
        let builder = match handle {
            "brought" => Migrator::builder(own.clone()),
            _ => Migrator::connect(uri, database).await?,
        };
        give_up(builder, kind, &own).await
    })
}

/// Drops the future of a run while its body is running.
async fn give_up(builder: MigratorBuilder, kind: &str, database: &Database) -> Result<(), Box<dyn Error>> {
    let source = format!("module:dropped-{kind}");
    let registry = Registry::linked().source(&source);
    let migrator = builder.registry(registry).lease(Duration::from_secs(10)).build()?;
    let mut run = migrator.up().into_future();
    while !HANGS.load(Relaxed) && count(database, "things", doc! { "n": 1 }).await == 0 {
        if let Ok(ended) = timeout(Duration::from_millis(100), &mut run).await {
            return Err(format!("it has ended: {ended:?}").into());
        }
    }
    let began = Instant::now();
    drop(run);
    println!("dropped {}", began.elapsed().as_millis());
    Ok(())
}
