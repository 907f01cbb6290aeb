//! A process that tests pause and kill. It does one thing, reports on standard output line by line, and exits when its
//! standard input closes.

use std::io::{BufRead, Read, stdin};
use std::time::Duration;
use std::{env, process, thread};

use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::migration::Direction;
use mongrate::migrator::DatabaseFilter;
use mongrate::{Migrator, Registry, Report};
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::crash::{backfill, restructure};
use mongrate_tests::stored::migrator;
use mongrate_tests::{adopted, crash, drawn, dropped};
use tokio::sync::oneshot;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let (sender, go) = oneshot::channel();
    thread::spawn(|| {
        if stdin().lock().read_line(&mut String::new()).is_ok_and(|bytes| bytes > 0) {
            let _ = sender.send(());
        }
        let _ = stdin().read_to_end(&mut Vec::new());
        process::exit(3);
    });
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["mongod"] => serve().await,
        ["insert", uri, database, collection] => insert(&connect(uri, database).await?, collection).await,
        ["up", uri, database, source] => up(&connect(uri, database).await?, source, go).await,
        ["adopted", uri, database, ref halt @ ..] => adopted::run(uri, database, halt, go).await,
        ["boot", uri, database, ref halt @ ..] => crash::boot(uri, database, halt).await,
        ["request-stop", uri, database, token] => request_stop(connect(uri, database).await?, token.parse()?).await,
        ["tenants", uri, prefix, source] => tenants(uri, prefix, source, go).await,
        ["crash", uri, database, lease, ref halt @ ..] => {
            crash::run(crash::SOURCE, Direction::Up, uri, database, lease, halt).await
        }
        ["crash-down", uri, database, lease, ref halt @ ..] => {
            crash::run(crash::SOURCE, Direction::Down, uri, database, lease, halt).await
        }
        ["restructure", uri, database, lease, ref halt @ ..] => {
            crash::run(restructure::SOURCE, Direction::Up, uri, database, lease, halt).await
        }
        ["restructure-down", uri, database, lease, ref halt @ ..] => {
            crash::run(restructure::SOURCE, Direction::Down, uri, database, lease, halt).await
        }
        ["backfill", uri, database, lease, ref halt @ ..] => {
            crash::run(backfill::SOURCE, Direction::Up, uri, database, lease, halt).await
        }
        ["backfill-changed", uri, database, lease, ref halt @ ..] => {
            crash::run(backfill::CHANGED, Direction::Up, uri, database, lease, halt).await
        }
        ["backfill-down", uri, database, lease, ref halt @ ..] => {
            crash::run(backfill::SOURCE, Direction::Down, uri, database, lease, halt).await
        }
        ["administered", uri, database, ref halt @ ..] => crash::administered(uri, database, halt).await,
        ["drawn", uri, database, drawing, without, deed, ref halt @ ..] => {
            drawn::run(uri, database, [drawing, without, deed], halt).await
        }
        ["dropped", ..] => {
            let [_, runtime, handle, kind, uri, database] = &arguments[..] else {
                return Err("worker: dropped how?".into());
            };
            let [runtime, handle, kind, uri, database] = [runtime, handle, kind, uri, database].map(String::clone);
            // On its own runtime, which ends before the process does.
            let run =
                move || dropped::run(&runtime, &handle, &kind, &uri, &database).map_err(|error| error.to_string());
            Ok(tokio::task::spawn_blocking(run).await??)
        }
        ["linger", uri, database] => linger(connect(uri, database).await?).await,
        _ => Err(format!("worker: what is {arguments:?}?").into()),
    }
}

async fn connect(uri: &str, database: &str) -> Result<Database> {
    Ok(Client::with_uri_str(uri).await?.database(database))
}

/// Starts a server, prints its process id and the path of its log, and keeps it running.
async fn serve() -> Result<()> {
    let server = Mongod::start().await?;
    for member in server.members() {
        println!("{} {}", member.pid().unwrap_or_default(), member.log().display());
    }
    std::future::pending().await
}

/// Inserts a document with its process id.
async fn insert(database: &Database, collection: &str) -> Result<()> {
    database.collection::<Document>(collection).insert_one(doc! { "pid": process::id() }).await?;
    println!("inserted");
    Ok(())
}

/// Connects, prints `ready`, and migrates after reading a line, so that many processes can start at the same time.
async fn up(database: &Database, source: &str, go: oneshot::Receiver<()>) -> Result<()> {
    database.run_command(doc! { "ping": 1 }).await?;
    println!("ready");
    go.await?;
    let report = migrator(database, source).build().unwrap().up().await?;
    println!("applied {}", report.applied().count());
    Ok(())
}

/// Requests the run with this token to stop.
async fn request_stop(database: Database, token: i64) -> Result<()> {
    let requested = Migrator::new(database).request_stop(token).by("ana").because("see OPS-19").await?;
    println!("requested {requested}");
    Ok(())
}

/// Connects, prints `ready`, and after reading a line migrates all databases with a prefix.
async fn tenants(uri: &str, prefix: &str, source: &str, go: oneshot::Receiver<()>) -> Result<()> {
    let (client, registry) = (Client::with_uri_str(uri).await?, Registry::linked().source(source));
    client.database("admin").run_command(doc! { "ping": 1 }).await?;
    println!("ready");
    go.await?;
    let tenants = Migrator::for_each(client, DatabaseFilter::prefix(prefix));
    let tenants = tenants.options(move |builder| builder.registry(registry.clone())).await?;
    match tenants.into_result() {
        Ok(reports) => println!("applied {}", reports.values().flat_map(Report::applied).count()),
        Err(error) => println!("{error}"),
    }
    Ok(())
}

/// Migrates, and continues like a service that does not handle signals.
async fn linger(database: Database) -> Result<()> {
    crash::migrator(database, Duration::from_secs(20)).up().await?;
    println!("lingers");
    std::future::pending().await
}
