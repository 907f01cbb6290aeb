//! The connection to a server with many databases.

use std::sync::Arc;

use mongodb::Client;
use mongodb::options::ClientOptions;

use crate::error::Error;
use crate::migrator::connection::Connection;
use crate::migrator::connection::clients::{SharedClients, shut_down};
use crate::migrator::connection::uri::{client, parse};

/// A server, given by a client, a connection string or options.
#[derive(Clone)]
pub(super) enum Server {
    /// A client that the caller provided, and perhaps one for the leases.
    Provided { client: Client, lease: Option<Client> },
    /// A connection string.
    Uri(String),
    /// The driver's options.
    Options(Box<ClientOptions>),
}

/// A server with a client.
#[derive(Clone)]
pub(super) struct Reached {
    /// The client for operations without the lease.
    pub(super) client: Client,
    runs: Runs,
}

/// The origin of the clients of the runs.
#[derive(Clone)]
enum Runs {
    Provided { lease: Option<Client> },
    Own(Arc<SharedClients>),
}

impl Server {
    /// Creates the clients for this number of concurrent runs. Nothing is sent yet.
    pub(super) async fn reach(&self, concurrency: usize) -> Result<Reached, Error> {
        let options = match self {
            Self::Provided { client, lease } => {
                return Ok(Reached { client: client.clone(), runs: Runs::Provided { lease: lease.clone() } });
            }
            Self::Uri(uri) => parse(uri).await?,
            Self::Options(options) => (**options).clone(),
        };
        let client = client(options.clone())?;
        Ok(Reached { client, runs: Runs::Own(Arc::new(SharedClients::new(options, concurrency))) })
    }
}

impl Reached {
    pub(super) fn connection(&self, database: &str) -> Connection {
        let database = self.client.database(database);
        match &self.runs {
            Runs::Provided { lease: None } => Connection::provided(database),
            Runs::Provided { lease: Some(lease) } => Connection::provided(database).with_lease_client(lease.clone()),
            Runs::Own(clients) => Connection::shared(database, clients.clone()),
        }
    }

    /// Shuts down the clients that the caller did not provide.
    pub(super) async fn close(self) {
        if let Runs::Own(clients) = self.runs {
            clients.shutdown().await;
            shut_down(self.client).await;
        }
    }
}
