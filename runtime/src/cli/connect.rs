//! Where the database is. Connection strings are never shown: they carry passwords.

use std::env;
use std::time::Duration;

use mongodb::options::ClientOptions;
use mongodb::{Client, Database};

use super::failure::Failure;
use super::options::Options;

/// The variable that names the server.
const VARIABLE: &str = "MONGODB_URI";

/// How long to look for a server, unless the connection string says otherwise. The driver's 30 seconds are long for
/// somebody who has mistyped a port.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database that `--uri` or else `MONGODB_URI` names.
pub(super) async fn by_options(options: &Options) -> Result<Database, Failure> {
    let found = options.uri.clone().map(|uri| (uri, "--uri")).or_else(|| {
        let uri = env::var(VARIABLE).ok().filter(|uri| !uri.is_empty());
        uri.map(|uri| (uri, VARIABLE))
    });
    let Some((uri, said_by)) = found else {
        return Err(Failure::usage("nothing says where the database is")
            .help(format!("set {VARIABLE}=mongodb://localhost/shop, or pass it with `--uri`")));
    };
    let client = client(&uri, said_by).await?;
    named(&client, options.database.as_deref(), None).ok_or_else(|| {
        Failure::usage("the connection string names a server, but no database")
            .help("end it with /NAME, or pass `--database NAME`")
    })
}

/// The application's database, or another one if `--uri` or `--database` says so.
pub(super) async fn instead_of(database: &Database, options: &Options) -> Result<Database, Failure> {
    let client = match &options.uri {
        Some(uri) => client(uri, "--uri").await?,
        None => database.client().clone(),
    };
    let name = if options.uri.is_some() {
        options.database.as_deref()
    } else {
        options.database.as_deref().or(Some(database.name()))
    };
    Ok(named(&client, name, Some(database.name())).unwrap_or_else(|| database.clone()))
}

fn named(client: &Client, name: Option<&str>, default: Option<&str>) -> Option<Database> {
    name.map(|name| client.database(name))
        .or_else(|| client.default_database())
        .or_else(|| default.map(|name| client.database(name)))
}

async fn client(uri: &str, said_by: &str) -> Result<Client, Failure> {
    let malformed = |error: &mongodb::error::Error| {
        if uri.contains('@') {
            // The driver's message may quote what it could not read, which may be a part of the password.
            Failure::usage(format!("{said_by} is not a connection string"))
                .help("signs like `/ ? # : @ %` in the user's name or password must be written as %2F, %3F and so on")
        } else {
            Failure::usage(format!("{said_by} is not a connection string: {}", error.kind))
                .help("it looks like mongodb://localhost/shop")
        }
    };
    let mut options = ClientOptions::parse(uri).await.map_err(|error| malformed(&error))?;
    options.server_selection_timeout.get_or_insert(PATIENCE);
    Client::with_options(options).map_err(|error| malformed(&error))
}
