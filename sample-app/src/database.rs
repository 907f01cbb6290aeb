//! The database in `MONGODB_URI`, or one on a local server that the sample starts.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use mongodb::options::ClientOptions;
use mongrate::{Migrator, MigratorBuilder};
use mongrate_testkit::mongod::Mongod;

/// The default name of the database.
const NAME: &str = "shop";
/// The default for `serverSelectionTimeoutMS`. The driver's 30 seconds are long after a typo in the port.
const PATIENCE: Duration = Duration::from_secs(5);

/// A database, and the local server if there is one.
#[derive(Debug)]
pub struct Place {
    /// The connection to the database.
    pub builder: MigratorBuilder,
    /// A description for people, without credentials.
    pub description: String,
    /// The connection string of the local server.
    pub uri: Option<String>,
    server: Option<Mongod>,
}

impl Place {
    /// Returns whether `MONGODB_URI` is set.
    #[must_use]
    pub fn is_named() -> bool {
        env::var_os("MONGODB_URI").is_some_and(|uri| !uri.to_string_lossy().trim().is_empty())
    }

    /// Opens the database in `MONGODB_URI`, or else starts a local server with its data beside this program.
    pub async fn open() -> anyhow::Result<Self> {
        match env::var("MONGODB_URI") {
            Ok(uri) if !uri.trim().is_empty() => Self::named(uri.trim()).await,
            Err(env::VarError::NotUnicode(_)) => bail!("MONGODB_URI is not valid UTF-8"),
            _ => Self::local(&data_folder()?).await,
        }
    }

    /// Opens the database in a connection string. Does not connect yet.
    pub async fn named(uri: &str) -> anyhow::Result<Self> {
        let mut options = ClientOptions::parse(uri).await.map_err(|error| unreadable(uri, &error))?;
        options.server_selection_timeout.get_or_insert(PATIENCE);
        let hosts = options.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let name = options.default_database.clone().unwrap_or_else(|| NAME.to_owned());
        let description = format!("database '{name}' at {hosts}");
        let builder = Migrator::connect_with(options, &name)?;
        Ok(Self { builder, description, uri: None, server: None })
    }

    /// Starts a local server that keeps its data in a folder and ends with this value.
    pub async fn local(folder: &Path) -> anyhow::Result<Self> {
        let server = Mongod::builder().data_dir(folder).start().await?;
        let builder = Migrator::connect(server.uri(), NAME).await?;
        let description = format!("database '{NAME}' of a local mongod, kept in {}", shown(folder).display());
        let uri = server.uri().replacen("/?", &format!("/{NAME}?"), 1);
        Ok(Self { builder, description, uri: Some(uri), server: Some(server) })
    }

    /// Disconnects, and shuts the local server down, if there is one.
    pub async fn close(self) {
        // Tasks of the driver would panic, and print that, if the runtime ended under them. Immediately, because a request
        // may have been abandoned with a cursor.
        self.builder.database().client().clone().shutdown().immediate(true).await;
        if let Some(server) = self.server {
            server.shutdown().await;
        }
    }
}

/// The folder is beside the program, in Cargo's target folder, so `cargo clean` removes it.
fn data_folder() -> anyhow::Result<PathBuf> {
    let program = env::current_exe().context("cannot determine the path of this program")?;
    Ok(program.with_file_name("sample-app-data"))
}

/// Returns a path relative to the current folder, if it is inside.
fn shown(folder: &Path) -> PathBuf {
    let here = env::current_dir().ok();
    here.and_then(|here| folder.strip_prefix(here).ok()).unwrap_or(folder).to_owned()
}

fn unreadable(uri: &str, error: &mongodb::error::Error) -> anyhow::Error {
    if uri.contains('@') {
        // The message of the driver may quote a part of the password.
        anyhow!(
            "MONGODB_URI is not a connection string. Escape characters such as `/ ? # : @ %` in the user name or \
             password as %2F, %3F and so on"
        )
    } else {
        anyhow!("MONGODB_URI is not a connection string: {}", error.kind)
    }
}
