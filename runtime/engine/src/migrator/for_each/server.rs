//! How the databases of one server are reached.

use std::sync::Arc;

use mongodb::Client;
use mongodb::options::ClientOptions;

use crate::error::Error;
use crate::migrator::connection::Connection;
use crate::migrator::connection::clients::{SharedClients, goodbye};
use crate::migrator::connection::uri::{client, parse};

/// How a server is reached.
#[derive(Clone)]
pub(super) enum Server {
    /// Through a client that the caller brought, and perhaps one for the leases.
    Brought { client: Client, lease: Option<Client> },
    /// By its connection string.
    Uri(String),
    /// With these options.
    Options(Box<ClientOptions>),
}

/// A server that can be asked.
#[derive(Clone)]
pub(super) struct Reached {
    /// The client for what needs no lease.
    pub(super) client: Client,
    runs: Runs,
}

/// The clients of the runs.
#[derive(Clone)]
enum Runs {
    Brought { lease: Option<Client> },
    Own(Arc<SharedClients>),
}

impl Server {
    /// For as many databases at a time. Nothing is sent yet.
    pub(super) async fn reach(&self, at_a_time: usize) -> Result<Reached, Error> {
        let options = match self {
            Self::Brought { client, lease } => {
                return Ok(Reached { client: client.clone(), runs: Runs::Brought { lease: lease.clone() } });
            }
            Self::Uri(uri) => parse(uri).await?,
            Self::Options(options) => (**options).clone(),
        };
        let client = client(options.clone())?;
        Ok(Reached { client, runs: Runs::Own(Arc::new(SharedClients::new(options, at_a_time))) })
    }
}

impl Reached {
    pub(super) fn connection(&self, database: &str) -> Connection {
        let database = self.client.database(database);
        match &self.runs {
            Runs::Brought { lease: None } => Connection::brought(database),
            Runs::Brought { lease: Some(lease) } => Connection::brought(database).with_lease_client(lease.clone()),
            Runs::Own(clients) => Connection::shared(database, clients.clone()),
        }
    }

    /// Shuts down the clients that are not the caller's.
    pub(super) async fn close(self) {
        if let Runs::Own(clients) = self.runs {
            clients.shutdown().await;
            goodbye(self.client).await;
        }
    }
}
