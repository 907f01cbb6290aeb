//! What a step that takes `Schema` leaves in the database.

use super::{Executor, Step};
use crate::context::{Effect, Facts, Footprint, Snapshot};

impl Executor<'_> {
    /// What a body has left, with the details that the server has filled in; `None` when it has had no effect. A read that fails
    /// is no failure of the body: without the details, only what was asked for is compared later.
    pub(super) async fn footprint(&self, step: &mut Step<'_>, effects: &[Effect]) -> Option<Footprint> {
        let facts = Facts::of(effects);
        let facts = match Snapshot::at(self.database, facts.names(), facts.indexed()).await {
            Ok(snapshot) => facts.detailed(&snapshot),
            Err(error) => {
                step.notes.push(format!("its effects are on record without the details: {error}"));
                facts
            }
        };
        let footprint = Footprint { id: step.migration.id().to_owned(), order: step.position, facts };
        (!effects.is_empty()).then_some(footprint)
    }
}
