//! A process that is killed or paused during a run: its migrations, and where it halts.

pub mod backfill;
mod halt;
pub mod restructure;

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};
use mongrate::migration::Direction;
use mongrate::{Error, Migrator, MigratorBuilder, Registry, Report, Schema, Tx, migration};
use serde_json::json;

pub use halt::Halt;
pub(crate) use halt::over;
use halt::reached;

use crate::http::{App, OPERATE};
use crate::sabotage;

/// The source of its migrations.
pub const SOURCE: &str = "module:crash";

/// The collection in which an execution leaves a trace, a document with the id of the migration.
pub const EFFECTS: &str = "effects";

/// The migrations that take effect exactly once.
pub const EXACTLY_ONCE: [&str; 2] = ["module:crash:001_first", "module:crash:004_last"];

/// All migrations, in order.
pub const ALL: [&str; 4] =
    ["module:crash:001_first", "module:crash:002_schema", "module:crash:003_raw", "module:crash:004_last"];

#[migration(id = "001_first", source = "module:crash", down = first_down)]
async fn first(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    take_effect(tx, "module:crash:001_first").await?;
    reached("body 001_first").await;
    Ok(())
}

/// An index build waits for every open transaction that has accessed the collection.
#[migration(id = "002_schema", source = "module:crash", down = schema_down)]
async fn schema(schema: &mut Schema) -> Result<(), Error> {
    schema.create_index(EFFECTS, doc! { "migration": 1 }).await?;
    reached("body 002_schema").await;
    schema.create_collection("shelf").await
}

#[migration(id = "003_raw", source = "module:crash", down = raw_down)]
async fn raw(database: &Database) -> Result<(), mongodb::error::Error> {
    let effects = database.collection::<Document>(EFFECTS);
    effects.insert_one(doc! { "migration": "module:crash:003_raw" }).await?;
    reached("body 003_raw").await;
    Ok(())
}

#[migration(id = "004_last", source = "module:crash", down = last_down)]
async fn last(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    take_effect(tx, "module:crash:004_last").await?;
    reached("body 004_last").await;
    Ok(())
}

async fn first_down(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    reclaim_session(tx, "module:crash:001_first").await
}

async fn schema_down(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_index(EFFECTS, "migration_1").await?;
    schema.drop_collection("shelf").await
}

async fn raw_down(database: &Database) -> Result<(), mongodb::error::Error> {
    let effects = database.collection::<Document>(EFFECTS);
    effects.delete_many(doc! { "migration": "module:crash:003_raw" }).await.map(drop)
}

async fn last_down(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    reclaim_session(tx, "module:crash:004_last").await
}

/// Leaves a separate trace, so that a second execution would be found.
async fn reclaim_session(tx: &mut Tx, id: &str) -> Result<(), mongodb::error::Error> {
    let effects = tx.collection::<Document>(EFFECTS);
    effects.delete_one(doc! { "migration": id }).await?;
    effects.insert_one(doc! { "reverted": id }).await?;
    Ok(())
}

async fn take_effect(tx: &mut Tx, id: &str) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>(EFFECTS).insert_one(doc! { "migration": id }).await?;
    Ok(())
}

/// Runs an `up`, or a `down` of all migrations, and halts at the configured place. Prints a line for every applied
/// migration, and then `ended ok`, or `ended` with the variant of the error and the error.
pub async fn run(
    source: &str,
    direction: Direction,
    uri: &str,
    database: &str,
    lease_ms: &str,
    halt: &[&str],
) -> Result<(), Box<dyn std::error::Error>> {
    let database = connect(uri, database, halt).await?;
    let lease = Duration::from_millis(lease_ms.parse()?);
    let migrator = match source {
        backfill::SOURCE => backfill::migrator(database, lease),
        backfill::CHANGED => backfill::changed_migrator(database, lease),
        restructure::SOURCE => restructure::migrator(database, lease),
        _ => migrator(database, lease),
    };
    let result = match direction {
        Direction::Down if source == backfill::SOURCE => migrator.down().only(backfill::ID).await,
        Direction::Down => migrator.down().steps(ALL.len()).await,
        Direction::Up if source == backfill::CHANGED => migrator.up().only(backfill::ID).with_changed_code(true).await,
        Direction::Up => migrator.up().await,
    };
    over();
    let report = result.as_ref().map_or_else(Error::report, Some);
    if let Some(execution) = report.and_then(Report::stopped) {
        println!("stopped {}", execution.id);
    }
    for execution in report.into_iter().flat_map(Report::applied) {
        println!("applied {} {}", execution.id, execution.attempts);
    }
    tell(result.err().as_ref());
    Ok(())
}

/// Boots like a service, configured by its environment. `went on` means that an error was ignored as configured.
pub async fn boot(uri: &str, database: &str, halt: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    let result = builder(connect(uri, database, halt).await?).boot().await;
    over();
    if let Ok(booted) = &result {
        for execution in booted.report().into_iter().flat_map(Report::applied) {
            println!("applied {} {}", execution.id, execution.attempts);
        }
        if let Some(error) = booted.error() {
            println!("went on {}: {error}", variant(error));
        }
    }
    tell(result.err().as_ref());
    Ok(())
}

/// Serves like an application that has mounted the admin and does not handle signals, and starts a run there. Prints `started`
/// with the answer.
pub async fn administered(uri: &str, database: &str, halt: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    let migrator = migrator(connect(uri, database, halt).await?, Duration::from_secs(600));
    let app = App::new(&migrator);
    let answer = app.prefer("respond-async", OPERATE, "/up", &json!({})).await;
    println!("started {}", answer.status);
    std::future::pending().await
}

/// Connects a client that halts this process, or does not if `halt` is empty.
pub async fn connect(uri: &str, database: &str, halt: &[&str]) -> Result<Database, Box<dyn std::error::Error>> {
    let mut options = ClientOptions::parse(sabotage::uri(uri).await).await?;
    options.app_name = Some(database.to_owned());
    options.command_event_handler = Some(halt::install(Halt::parse(halt)));
    Ok(Client::with_options(options)?.database(database))
}

fn tell(error: Option<&Error>) {
    match error {
        None => println!("ended ok"),
        Some(error) => println!("ended {}: {error}", variant(error)),
    }
}

/// Builds a migrator for the migrations of this process.
#[must_use]
pub fn migrator(database: Database, lease: Duration) -> Migrator {
    builder(database).lease(lease).build().unwrap()
}

fn builder(database: Database) -> MigratorBuilder {
    Migrator::builder(database).registry(Registry::linked().source(SOURCE)).lock_wait(Duration::from_secs(60))
}

fn variant(error: &Error) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}
