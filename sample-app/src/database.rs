//! The database: the one that `MONGODB_URI` names, or one that the sample runs itself.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use mongodb::options::ClientOptions;
use mongrate::{Migrator, MigratorBuilder};
use mongrate_testkit::mongod::Mongod;

/// The name of the database where the connection string has none.
const NAME: &str = "shop";
/// How long to look for a server, unless the connection string says otherwise. The driver's 30 seconds are long for
/// somebody who has mistyped a port.
const PATIENCE: Duration = Duration::from_secs(5);

/// A database and where it is.
#[derive(Debug)]
pub struct Place {
    /// The connection to it.
    pub builder: MigratorBuilder,
    /// Where it is, for people; without credentials.
    pub description: String,
    /// The connection string of a local server, for others.
    pub uri: Option<String>,
    server: Option<Mongod>,
}

impl Place {
    /// Whether `MONGODB_URI` names one.
    #[must_use]
    pub fn is_named() -> bool {
        env::var_os("MONGODB_URI").is_some_and(|uri| !uri.to_string_lossy().trim().is_empty())
    }

    /// The database that `MONGODB_URI` names, or else one of a local server whose data are kept beside this program.
    pub async fn open() -> anyhow::Result<Self> {
        match env::var("MONGODB_URI") {
            Ok(uri) if !uri.trim().is_empty() => Self::named(uri.trim()).await,
            Err(env::VarError::NotUnicode(_)) => bail!("MONGODB_URI is not valid UTF-8"),
            _ => Self::local(&data_folder()?).await,
        }
    }

    /// The database that a connection string names. Whether it is there shows with the first use.
    pub async fn named(uri: &str) -> anyhow::Result<Self> {
        let mut options = ClientOptions::parse(uri).await.map_err(|error| unreadable(uri, &error))?;
        options.server_selection_timeout.get_or_insert(PATIENCE);
        let hosts = options.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let name = options.default_database.clone().unwrap_or_else(|| NAME.to_owned());
        let description = format!("database '{name}' at {hosts}");
        let builder = Migrator::connect_with(options, &name)?;
        Ok(Self { builder, description, uri: None, server: None })
    }

    /// A database of a server that ends with this value and keeps its data in a folder.
    pub async fn local(folder: &Path) -> anyhow::Result<Self> {
        let server = Mongod::builder().data_dir(folder).start().await?;
        let builder = Migrator::connect(server.uri(), NAME).await?;
        let description = format!("database '{NAME}' of a local mongod, kept in {}", shown(folder).display());
        let uri = server.uri().replacen("/?", &format!("/{NAME}?"), 1);
        Ok(Self { builder, description, uri: Some(uri), server: Some(server) })
    }

    /// Ends the local server, if there is one.
    pub async fn close(self) {
        if let Some(server) = self.server {
            server.shutdown().await;
        }
    }
}

/// Beside the program, and so in Cargo's target folder: `cargo clean` starts afresh.
fn data_folder() -> anyhow::Result<PathBuf> {
    let program = env::current_exe().context("cannot tell where this program is")?;
    Ok(program.with_file_name("sample-app-data"))
}

/// Relative to the current folder where that is shorter.
fn shown(folder: &Path) -> PathBuf {
    let here = env::current_dir().ok();
    here.and_then(|here| folder.strip_prefix(here).ok()).unwrap_or(folder).to_owned()
}

fn unreadable(uri: &str, error: &mongodb::error::Error) -> anyhow::Error {
    if uri.contains('@') {
        // The driver's message may quote what it could not read, which may be a part of the password.
        anyhow!(
            "MONGODB_URI is not a connection string. Signs like `/ ? # : @ %` in the user's name or password must be \
             written as %2F, %3F and so on"
        )
    } else {
        anyhow!("MONGODB_URI is not a connection string: {}", error.kind)
    }
}
