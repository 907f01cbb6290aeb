//! Connections. Connection strings are never shown, because they contain passwords.

use std::env::{self, VarError};
use std::time::Duration;

use mongrate::Error;
use mongrate::migrator::Connection;

use super::failure::Failure;
use super::options::Options;

/// The variable with the connection string.
const VARIABLE: &str = "MONGODB_URI";

/// Server selection timeout, unless the connection string has one. The driver's 30 seconds are long for a mistyped port.
const SELECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to the database that `--uri` or `MONGODB_URI` names.
pub(super) async fn by_options(options: &Options) -> Result<Connection, Failure> {
    let found = match &options.uri {
        Some(uri) => Some((uri.clone(), "--uri")),
        None => by_environment()?.map(|uri| (uri, VARIABLE)),
    };
    let Some((uri, origin)) = found else {
        return Err(Failure::usage("no database is configured")
            .help(format!("set {VARIABLE}, for example {VARIABLE}=mongodb://localhost/shop, or pass `--uri`")));
    };
    connect(&uri, origin, options.database(), None).await?.ok_or_else(|| {
        Failure::usage("the connection string does not name a database")
            .help("end it with /NAME or pass `--database NAME`")
    })
}

/// The value of the variable. An empty value counts as not set.
fn by_environment() -> Result<Option<String>, Failure> {
    match env::var(VARIABLE) {
        Ok(uri) => Ok(Some(uri).filter(|uri| !uri.trim().is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::usage(format!("{VARIABLE} is not valid UTF-8"))
            .help(format!("set it to a connection string, for example {VARIABLE}=mongodb://localhost/shop"))),
    }
}

/// Connects to the application's database, unless `--uri` or `--database` names another.
pub(super) async fn instead_of(application: &Connection, options: &Options) -> Result<Connection, Failure> {
    let (named, own) = (options.database(), application.database().name());
    match &options.uri {
        Some(uri) => {
            let connection = connect(uri, "--uri", named, Some(own)).await?;
            Ok(connection.unwrap_or_else(|| application.clone()))
        }
        None => Ok(application.clone().with_database(named.unwrap_or(own))?),
    }
}

/// Connects to the named database, the one in the connection string, or the default, in this order.
async fn connect(
    uri: &str,
    origin: &str,
    named: Option<&str>,
    default: Option<&str>,
) -> Result<Option<Connection>, Failure> {
    let mut options = Connection::parse(uri).await.map_err(|error| unusable(error, origin))?;
    options.server_selection_timeout.get_or_insert(SELECTION_TIMEOUT);
    let in_uri = options.default_database.clone();
    let name = named.map(str::to_owned).or(in_uri).or_else(|| default.map(str::to_owned));
    let connection = name.map(|name| Connection::new(options, &name)).transpose();
    connection.map_err(|error| unusable(error, origin))
}

/// Adds the name of the option or variable to the message.
fn unusable(error: Error, origin: &str) -> Failure {
    let at = |problem: &str| format!("in {origin} {problem}");
    match error {
        Error::ConnectionString { problem, help } => Error::ConnectionString { problem: at(&problem), help }.into(),
        other => other.into(),
    }
}
