//! What a program cannot do without.

use std::future::IntoFuture;

use mongodb::BoxFuture;

use super::Migrator;
use crate::error::Error;
use crate::migration::State;
use crate::plan::{Graph, Unknown};

/// A question whether migrations are completed: name more of them, then await it.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// // One read, however many are named.
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
    /// This migration, too (qualified id).
    pub fn and(mut self, id: impl Into<String>) -> Self {
        self.ids.push(id.into());
        self
    }

    async fn ask(self) -> Result<(), Error> {
        let graph = self.migrator.graph()?;
        let named = known(&graph, &self.ids)?;
        let records = self.migrator.0.tracker.records().await?;
        let states = named.into_iter().map(|id| (id, records.state(id)));
        let missing = states.filter(|(_, state)| *state != State::Completed);
        Error::gather(missing.map(|(id, state)| Error::Required { id, state }).collect())
    }
}

/// The linked-in ones of these, selected or not: what the code needs is there to be asked for in any case.
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
        Box::pin(async move { self.migrator.clone().whole(|_| self.ask()).await })
    }
}

impl Migrator {
    /// Whether a migration is completed that the code cannot do without (qualified id): readiness, in one read and
    /// without writing.
    ///
    /// One that is not completed is [`Error::Required`], one that is not linked in [`Error::UnknownMigration`]; more
    /// than one of these are [`Error::Several`].
    pub fn require(&self, id: impl Into<String>) -> Require {
        Require { migrator: self.clone(), ids: vec![id.into()] }
    }
}
