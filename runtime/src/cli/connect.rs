//! Where the database is. Connection strings are never shown: they carry passwords.

use std::env;
use std::time::Duration;

use mongodb::error::ErrorKind;
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};

use super::exit::Exit;
use super::failure::Failure;
use super::options::Options;
use crate::error::Readable;

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
            .help(format!("set {VARIABLE}, like {VARIABLE}=mongodb://localhost/shop, or pass `--uri`")));
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
        match &*error.kind {
            ErrorKind::DnsResolve { .. } => {
                return Failure::new(Exit::Unreachable, "unreachable", "cannot reach MongoDB: its name was not found")
                    .help("check the host's name, and that this machine can ask a name server for it");
            }
            // Here the driver's own words name nothing of the connection string.
            ErrorKind::InvalidArgument { message, .. } if message.contains("dns-resolver") => {
                return Failure::usage(message.trim_end_matches('.'))
                    .help("build the application with the feature `dns-resolver` of `mongodb`");
            }
            ErrorKind::InvalidTlsConfig { .. } => {
                return Failure::usage(format!("the TLS options of {said_by} do not fit: {}", Readable(error)));
            }
            _ => {}
        }
        if has_no_secret(uri) {
            return Failure::usage(format!("{said_by} is no connection string: {}", reason(error)))
                .help("it looks like mongodb://localhost/shop");
        }
        // The driver's message may quote what it could not read, which may be a part of the password.
        Failure::usage(format!("{said_by} is no connection string that could be read")).help(
            "it looks like mongodb://localhost/shop, with `user:password@` before the host if need be; signs like `/ ? # : @ %` in \
             those two are written as %2F %3F %23 %3A %40 %25",
        )
    };
    let mut options = ClientOptions::parse(uri).await.map_err(|error| malformed(&error))?;
    options.server_selection_timeout.get_or_insert(PATIENCE);
    Client::with_options(options).map_err(|error| malformed(&error))
}

fn reason(error: &mongodb::error::Error) -> String {
    match &*error.kind {
        ErrorKind::InvalidArgument { message, .. } => message.trim_end_matches('.').to_owned(),
        _ => Readable(error).to_string(),
    }
}

/// Whether it is plain that nothing but hosts, ports, a database and harmless options is in it.
fn has_no_secret(uri: &str) -> bool {
    let (server, rest) =
        uri.split_once("://").map_or((uri, ""), |(_, rest)| rest.split_at(rest.find('/').unwrap_or(rest.len())));
    let is_host = |host: &str| {
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        name.chars().all(in_name) && port.chars().all(|c| c.is_ascii_digit())
    };
    let rest = rest.to_ascii_lowercase();
    let may_be_one =
        ['@', '%'].iter().any(|sign| rest.contains(*sign)) || ["pass", "auth"].iter().any(|key| rest.contains(key));
    server.split(',').all(is_host) && !may_be_one
}

#[cfg(test)]
mod tests {
    use super::has_no_secret;

    #[test]
    fn what_may_be_a_secret_is_not_quoted() {
        for uri in [
            "mongodb://localhost/shop",
            "mongodb://a:1,b:2/shop?replicaSet=rs0&foo=1",
            "mongodb://[::1]:1/",
            "shop",
            "",
        ] {
            assert!(has_no_secret(uri), "{uri}");
        }
        for uri in [
            "mongodb://ana:secret@a/shop",
            "mongodb://ana:secret",
            "ana:secret@a",
            "mongodb://ana:se/cret@a/shop",
            "mongodb://a/?authMechanismProperties=AWS_SESSION_TOKEN:secret",
            "mongodb://a/?proxyPassword=secret",
        ] {
            assert!(!has_no_secret(uri), "{uri}");
        }
    }
}
