//! A backfill that has started: the stored part, and what the body of this program describes.

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::Bson;
use tokio::time::timeout;

use super::header::Header;
use super::mongo::Mongo;
use super::plan::{identity, listed};
use super::range::{RangeStore, Seen};
use crate::context::{Backfill, Description, Inner};
use crate::error::Error;
use crate::executor::body::catch_panic;
use crate::lock::Session;
use crate::migration::registration::{BoxError, Context};
use crate::migration::{Direction, Migration};
use crate::options::Options;

/// How long a body may take to describe its change.
const LIMIT: Duration = Duration::from_secs(60);

/// An open backfill: the stored part and what the body of this program describes.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) header: Header,
    pub(crate) description: Description,
    pub(crate) store: Mongo,
}

impl Opened {
    pub(crate) fn new(
        database: &Database,
        options: &Options,
        header: Header,
        description: Description,
        transactional: bool,
    ) -> Self {
        let store = Mongo::new(database, options, header.run, &description, transactional);
        Self { header, description, store }
    }

    /// Creates a worker with its own session. Give the session back when the worker has released its claim.
    pub(crate) async fn session(&self, database: &Database) -> Result<Session, Error> {
        let session = Session::start(database.client()).await;
        session.map_err(|error| Error::server("start a session", error))
    }

    /// Fails if the ranges are about another change or another collection.
    pub(crate) async fn check(&self, database: &Database, id: &str) -> Result<(), Error> {
        if !self.header.describes(&self.description) {
            let or_go_on = match self.header.direction {
                Direction::Up => "; or continue it with changed code (`up ID --with-changed-code`)",
                Direction::Down => "",
            };
            return Err(Error::Refused(format!(
                "the body of '{id}' describes another change than when it started, so this program does not work on it. Run \
                 the program that started it{or_go_on}; or restart it from the beginning (`backfill restart ID`)"
            )));
        }
        self.header.check_collection(database, id).await
    }

    pub(crate) async fn look(&self) -> Result<Vec<Seen>, Error> {
        let name = &self.header.collection;
        self.store.look().await.map_err(|error| Error::server(format!("read the ranges of '{name}'"), error))
    }
}

impl Header {
    /// Fails if the collection is another one.
    pub(super) async fn check_collection(&self, database: &Database, id: &str) -> Result<(), Error> {
        let name = &self.collection;
        let listed = listed(database, name).await;
        let listed = listed.map_err(|error| Error::server(format!("look for the collection '{name}'"), error))?;
        if listed.as_ref().map_or(Bson::Null, identity) == self.uuid {
            return Ok(());
        }
        Err(Error::Refused(format!(
            "'{name}' was dropped or renamed since '{id}' started: it is another collection now. Restart it from the \
             beginning (`backfill restart ID`)"
        )))
    }
}

/// Asks the body of a migration which change it describes.
pub(crate) async fn describe(
    migration: Migration,
    direction: Direction,
    options: &Options,
) -> Result<Description, BoxError> {
    let registration = migration.registration();
    let body = match (direction, &registration.down) {
        (Direction::Down, Some(down)) => down,
        (Direction::Up, _) | (Direction::Down, None) => registration.up,
    };
    let mut context = Context::from(Inner::Backfill(Box::new(Backfill::new(migration, options.provided.clone()))));
    let Ok(described) = timeout(LIMIT, catch_panic(body.run(&mut context))).await else {
        return Err(Error::TimedOut { limit: LIMIT }.into());
    };
    described?;
    let Inner::Backfill(backfill) = Inner::taken(context) else { unreachable!("a body keeps its context") };
    Ok(backfill.into_description()?)
}
