//! The connection of a migrator: its database, and the clients of its runs.
//!
//! With [`Migrator::connect`], there are three clients. The application's client reads records. Each run that takes the lease
//! creates two more clients and shuts them down at its end. One is for bodies and their records; its unique application name
//! identifies their operations at the server. The other is for the lease, so that bodies cannot delay a heartbeat.

pub(super) mod clients;
pub(super) mod name;
pub(super) mod uri;

use std::fmt;
use std::sync::Arc;

use mongodb::options::ClientOptions;
use mongodb::{Client, Database};

use self::clients::Clients;
pub(crate) use self::clients::{SharedClients, shut_down};
use self::name::check as check_name;
pub(crate) use self::uri::{client, parse};
use crate::error::Error;
use crate::executor::Bodies;
use crate::store::durable_database;

/// A database and the origin of the clients for its runs.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The application's handle, with the application's own options.
    database: Database,
    origin: Origin,
}

/// The origin of the clients of a run.
#[derive(Clone)]
enum Origin {
    /// The caller provided the database, and perhaps a client for the lease.
    Provided { lease: Option<Client> },
    /// Each run creates its own clients from these options.
    Own(Box<ClientOptions>),
    /// The runs of many databases share their clients.
    Shared(Arc<SharedClients>),
}

/// The handles of one run.
#[derive(Debug)]
pub(super) struct Link {
    /// The database for bodies, records and the fence.
    pub(super) database: Database,
    /// The database for the lease.
    pub(super) lease: Database,
    /// The unique application name of the client of [`database`](Self::database). `None` if the caller provided the client.
    pub(super) app_name: Option<String>,
    /// The clients to shut down when the run ends.
    own: Option<Clients>,
}

impl Connection {
    /// A connection through a database handle of the caller.
    pub(crate) fn provided(database: Database) -> Self {
        Self { database, origin: Origin::Provided { lease: None } }
    }

    /// Parses a connection string into the driver's options. White space around it is ignored.
    ///
    /// Fails with [`Error::ConnectionString`] or [`Error::HostNotFound`], which do not quote the connection string, because it may
    /// contain a password.
    pub async fn parse(uri: &str) -> Result<ClientOptions, Error> {
        parse(uri).await
    }

    /// Creates a connection with the driver's options. Fails like [`Migrator::connect_with`].
    ///
    /// [`Migrator::connect_with`]: crate::Migrator::connect_with
    pub fn new(options: ClientOptions, database: &str) -> Result<Self, Error> {
        check_name(database)?;
        let database = client(options.clone())?.database(database);
        Ok(Self { database, origin: Origin::Own(Box::new(options)) })
    }

    /// A connection whose runs share their clients with those of other databases.
    pub(super) fn shared(database: Database, clients: Arc<SharedClients>) -> Self {
        Self { database, origin: Origin::Shared(clients) }
    }

    /// Changes to another database of the same server. Fails with [`Error::ReservedDatabase`] or [`Error::DatabaseName`].
    pub fn with_database(self, database: &str) -> Result<Self, Error> {
        check_name(database)?;
        Ok(Self { database: self.database.client().database(database), ..self })
    }

    /// Sets the client of the lease.
    pub(super) fn with_lease_client(self, client: Client) -> Self {
        match self.origin {
            Origin::Provided { .. } => Self { origin: Origin::Provided { lease: Some(client) }, ..self },
            // The lease already has a separate client.
            Origin::Own(_) | Origin::Shared(_) => self,
        }
    }

    /// The application's handle, with the options of the connection string.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Shuts down the client. Waits up to a second for sessions and cursors that are still in use. If a process ends without this,
    /// the driver may panic in the background.
    pub async fn shutdown(self) {
        shut_down(self.database.client().clone()).await;
    }

    /// Checks the name of a database that the caller provided.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_name(self.database.name())
    }

    /// The options to create a client that outlives the runtime of a run; `None` if the caller provided the clients.
    pub(super) fn options(&self) -> Option<&ClientOptions> {
        match &self.origin {
            Origin::Provided { .. } => None,
            Origin::Own(options) => Some(options),
            Origin::Shared(shared) => Some(shared.options()),
        }
    }

    /// Returns whether heartbeats use the same pool as bodies.
    pub(super) fn has_shared_pool(&self) -> bool {
        matches!(self.origin, Origin::Provided { lease: None })
    }

    /// Opens the clients of a run.
    pub(super) async fn open(&self) -> Result<Link, Error> {
        let name = self.database.name();
        let link = |body: &Client, lease: &Client, app_name, own| Link {
            database: durable_database(body, name),
            lease: durable_database(lease, name),
            app_name,
            own,
        };
        Ok(match &self.origin {
            Origin::Provided { lease } => {
                let body = self.database.client();
                link(body, lease.as_ref().unwrap_or(body), None, None)
            }
            Origin::Own(options) => {
                let clients = Clients::new(options, 1)?;
                link(&clients.body, &clients.lease, Some(clients.app_name.clone()), Some(clients.clone()))
            }
            Origin::Shared(shared) => {
                let clients = shared.get().await?;
                link(&clients.body, &clients.lease, Some(clients.app_name.clone()), None)
            }
        })
    }
}

/// Omits the options, which may contain a password.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Provided { lease: None } => "Provided",
            Self::Provided { lease: Some(_) } => "ProvidedWithLeaseClient",
            Self::Own(_) => "Own",
            Self::Shared(_) => "Shared",
        })
    }
}

impl Link {
    /// Identifies the operations of bodies at the server; `None` if the caller provided their client.
    pub(super) fn bodies(&self) -> Option<Bodies> {
        let app_name = self.app_name.clone()?;
        let database = self.own.is_none().then(|| self.database.name().to_owned());
        Some(Bodies { app_name, database })
    }

    /// Shuts down the clients that the run created.
    pub(super) async fn close(self) {
        if let Some(clients) = self.own {
            clients.shutdown().await;
        }
    }
}
