//! A process for the tests to stop and kill. It does one thing, says so on standard output line by line, and ends with its
//! standard input at the latest.

use std::io::{Read, stdin};
use std::{env, process, thread};

use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::mongod::Mongod;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    thread::spawn(|| {
        let _ = stdin().read_to_end(&mut Vec::new());
        process::exit(3);
    });
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["mongod"] => serve().await,
        ["insert", uri, database, collection] => insert(&connect(uri, database).await?, collection).await,
        _ => Err(format!("worker: what is {arguments:?}?").into()),
    }
}

async fn connect(uri: &str, database: &str) -> Result<Database> {
    Ok(Client::with_uri_str(uri).await?.database(database))
}

/// Starts a server of its own, tells its process id and its log's path, and holds it.
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
