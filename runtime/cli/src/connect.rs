//! Where the database is. Connection strings are never shown: they carry passwords.

use std::env::{self, VarError};
use std::time::Duration;

use super::failure::Failure;
use super::options::Options;
use mongrate::Error;
use mongrate::migrator::Connection;

/// The variable that names the server.
const VARIABLE: &str = "MONGODB_URI";

/// How long to look for a server, unless the connection string says otherwise. The driver's 30 seconds are long for
/// somebody who has mistyped a port.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database that `--uri` or else `MONGODB_URI` names.
pub(super) async fn by_options(options: &Options) -> Result<Connection, Failure> {
    let found = match &options.uri {
        Some(uri) => Some((uri.clone(), "--uri")),
        None => by_environment()?.map(|uri| (uri, VARIABLE)),
    };
    let Some((uri, said_by)) = found else {
        return Err(Failure::usage("nothing says where the database is")
            .help(format!("set {VARIABLE}, like {VARIABLE}=mongodb://localhost/shop, or pass `--uri`")));
    };
    connect(&uri, said_by, options.database(), None).await?.ok_or_else(|| {
        Failure::usage("the connection string names a server, but no database")
            .help("end it with /NAME, or pass `--database NAME`")
    })
}

/// What the variable says; an empty one is not set.
fn by_environment() -> Result<Option<String>, Failure> {
    match env::var(VARIABLE) {
        Ok(uri) => Ok(Some(uri).filter(|uri| !uri.trim().is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::usage(format!("{VARIABLE} is not valid UTF-8"))
            .help(format!("set it to a connection string, like {VARIABLE}=mongodb://localhost/shop"))),
    }
}

/// The application's database, or another one if `--uri` or `--database` says so.
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

/// The named database, or else the one in the connection string, or else the default.
async fn connect(
    uri: &str,
    said_by: &str,
    named: Option<&str>,
    default: Option<&str>,
) -> Result<Option<Connection>, Failure> {
    let mut options = Connection::parse(uri).await.map_err(|error| unusable(error, said_by))?;
    options.server_selection_timeout.get_or_insert(PATIENCE);
    let in_uri = options.default_database.clone();
    let name = named.map(str::to_owned).or(in_uri).or_else(|| default.map(str::to_owned));
    let connection = name.map(|name| Connection::new(options, &name)).transpose();
    connection.map_err(|error| unusable(error, said_by))
}

/// The same with the name of the option or variable.
fn unusable(error: Error, said_by: &str) -> Failure {
    let at = |problem: &str| format!("in {said_by} {problem}");
    match error {
        Error::ConnectionString { problem, help } => Error::ConnectionString { problem: at(&problem), help }.into(),
        other => other.into(),
    }
}
