//! Requiring completed migrations.

use std::future::IntoFuture;

use mongodb::BoxFuture;

use super::Migrator;
use crate::error::Error;
use crate::migration::State;
use crate::plan::{Graph, Unknown};

/// A check that migrations are completed; returned by [`Migrator::require`]. Add migrations, then await it.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// // Reads once, however many migrations are named.
/// migrator.require("003_assign_roles").and("module:menu:001_namespace").await?;
/// # Ok(()) }
/// ```
#[must_use = "nothing is asked until this is awaited"]
#[derive(Clone, Debug)]
pub struct Require {
    migrator: Migrator,
    ids: Vec<String>,
}

impl Require {
    /// Requires another migration (qualified id).
    pub fn and(mut self, id: impl Into<String>) -> Self {
        self.ids.push(id.into());
        self
    }

    async fn check(self) -> Result<(), Error> {
        let graph = self.migrator.graph()?;
        let named = known(&graph, &self.ids)?;
        let records = self.migrator.records().await?;
        let states = named.into_iter().map(|id| (id, records.state(id)));
        let missing = states.filter(|(_, state)| *state != State::Completed);
        Error::gather(missing.map(|(id, state)| Error::Required { id, state }).collect())
    }
}

/// Finds linked-in migrations, selected or not, because code may require any of them.
fn known(graph: &Graph, ids: &[String]) -> Result<Vec<&'static str>, Error> {
    let (mut named, mut errors, mut unknown) = (Vec::new(), Vec::new(), Unknown::default());
    for id in ids {
        match graph.find(id) {
            Some(node) => named.push(graph.migration(node).id()),
            None => errors.push(unknown.error(id, graph.nodes().map(|node| graph.migration(node)))),
        }
    }
    Error::gather(errors).map(|()| named)
}

impl IntoFuture for Require {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Result<(), Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.migrator.clone().complete(|_| self.check()).await })
    }
}

impl Migrator {
    /// Checks that a migration (qualified id) is completed, for example in a readiness check. Reads once; never writes.
    ///
    /// Fails with [`Error::Required`] if it is not completed, with [`Error::UnknownMigration`] if it is not linked in, and with
    /// [`Error::Several`] if several migrations fail the check.
    pub fn require(&self, id: impl Into<String>) -> Require {
        Require { migrator: self.clone(), ids: vec![id.into()] }
    }
}
