//! The footprint of a `Schema` step: the expected state of the collections and indexes that it touched.

use super::{Executor, Step};
use crate::context::{Effect, Facts, Footprint, Snapshot};

impl Executor<'_> {
    /// Reads the footprint of a body, with the details that the server filled in. `None` if the body had no effect. A failed read
    /// is not a failure of the body: without the details, only the requested options are compared later.
    pub(super) async fn footprint(&self, step: &mut Step<'_>, effects: &[Effect]) -> Option<Footprint> {
        let facts = Facts::of(effects);
        let facts = match Snapshot::at(self.database, facts.names(), facts.indexed()).await {
            Ok(look) => facts.detailed(&look),
            Err(error) => {
                step.notes.push(format!("its effects were recorded without details: {error}"));
                facts
            }
        };
        let footprint = Footprint { id: step.migration.id().to_owned(), order: step.position, facts };
        (!effects.is_empty()).then_some(footprint)
    }
}
