//! The connection of a migrator: its database, and the clients of its runs.
//!
//! With [`Migrator::connect`] there are three clients. The application's reads records and is free to be used for
//! anything else. Each run that takes the lease makes two more and shuts them down at its end: one for its bodies and
//! their records, with an application name of its own, by which their operations are found at the server; and one for
//! the lease, so that no load of the bodies delays a heartbeat.

pub(super) mod clients;
pub(super) mod name;
pub(super) mod uri;

use std::fmt;
use std::sync::Arc;

use mongodb::options::ClientOptions;
use mongodb::{Client, Database};

use self::clients::Clients;
pub(crate) use self::clients::{SharedClients, goodbye};
use self::name::check as check_name;
pub(crate) use self::uri::{client, parse};
use crate::error::Error;
use crate::executor::Bodies;
use crate::store::durable_database;

/// A database, and where the clients of its migration runs come from.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The application's handle, with the application's own options.
    database: Database,
    origin: Origin,
}

/// Where the clients of a run come from.
#[derive(Clone)]
enum Origin {
    /// The caller brought the database, and perhaps a client for the lease.
    Brought { lease: Option<Client> },
    /// Each run makes its own of these options.
    Own(Box<ClientOptions>),
    /// The runs of many databases make them once.
    Shared(Arc<SharedClients>),
}

/// The handles of one run.
#[derive(Debug)]
pub(super) struct Link {
    /// The database for bodies, records and the fence.
    pub(super) database: Database,
    /// The database for the lease.
    pub(super) lease: Database,
    /// The application name of the client of [`database`](Self::database), which no other client has. `None` if the caller
    /// brought the client.
    pub(super) app_name: Option<String>,
    /// The clients to shut down when the run ends.
    own: Option<Clients>,
}

impl Connection {
    /// A database that the caller brought.
    pub(crate) fn brought(database: Database) -> Self {
        Self { database, origin: Origin::Brought { lease: None } }
    }

    /// The driver's options for a connection string, without white space around it. Fails with [`Error::ConnectionString`] or
    /// [`Error::HostNotFound`], which do not quote it: it may carry a password.
    pub async fn parse(uri: &str) -> Result<ClientOptions, Error> {
        parse(uri).await
    }

    /// A database that is reached with these options. Fails as [`Migrator::connect_with`].
    pub fn new(options: ClientOptions, database: &str) -> Result<Self, Error> {
        check_name(database)?;
        let database = client(options.clone())?.database(database);
        Ok(Self { database, origin: Origin::Own(Box::new(options)) })
    }

    /// One of many databases whose runs share their clients.
    pub(super) fn shared(database: Database, clients: Arc<SharedClients>) -> Self {
        Self { database, origin: Origin::Shared(clients) }
    }

    /// Another database of the same server. Fails with [`Error::ReservedDatabase`] or [`Error::DatabaseName`].
    pub fn with_database(self, database: &str) -> Result<Self, Error> {
        check_name(database)?;
        Ok(Self { database: self.database.client().database(database), ..self })
    }

    /// Takes the lease through this client.
    pub(super) fn with_lease_client(self, client: Client) -> Self {
        match self.origin {
            Origin::Brought { .. } => Self { origin: Origin::Brought { lease: Some(client) }, ..self },
            // The lease has a client of its own in any case.
            Origin::Own(_) | Origin::Shared(_) => self,
        }
    }

    /// The application's handle, with the options of the connection string.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Shuts the client down, waiting up to a second for sessions and cursors that are still in use. A process that ends without
    /// it may see the driver panic in the background.
    pub async fn shutdown(self) {
        goodbye(self.database.client().clone()).await;
    }

    /// What nobody has looked at where the caller brought the database.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_name(self.database.name())
    }

    /// What a client is made of that outlives the runtime of a run; `None` if the caller brought the clients.
    pub(super) fn options(&self) -> Option<&ClientOptions> {
        match &self.origin {
            Origin::Brought { .. } => None,
            Origin::Own(options) => Some(options),
            Origin::Shared(shared) => Some(shared.options()),
        }
    }

    /// Whether heartbeats wait for a connection of the pool that the bodies use.
    pub(super) fn shares_its_pool(&self) -> bool {
        matches!(self.origin, Origin::Brought { lease: None })
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
            Origin::Brought { lease } => {
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

/// Without the options, which carry a password.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Brought { lease: None } => "Brought",
            Self::Brought { lease: Some(_) } => "BroughtWithLeaseClient",
            Self::Own(_) => "Own",
            Self::Shared(_) => "Shared",
        })
    }
}

impl Link {
    /// How what the bodies have sent is found at the server; `None` if the caller brought their client.
    pub(super) fn bodies(&self) -> Option<Bodies> {
        let app_name = self.app_name.clone()?;
        let database = self.own.is_none().then(|| self.database.name().to_owned());
        Some(Bodies { app_name, database })
    }

    /// Shuts down what the run has opened.
    pub(super) async fn close(self) {
        if let Some(clients) = self.own {
            clients.shutdown().await;
        }
    }
}
