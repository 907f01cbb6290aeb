//! Asks the conditions of migrations, with each read of the records.

use std::collections::HashSet;

use super::Migrator;
use crate::error::Error;
use crate::executor::catch_panic;
use crate::migration::Conditions;
use crate::store::Records;

impl Migrator {
    /// Reads the records: one command. Marks the migrations that their condition excludes.
    pub(super) async fn records(&self) -> Result<Records, Error> {
        let excluded = self.excluded().await?;
        Ok(self.0.tracker.records().await?.excluding(excluded))
    }

    /// The qualified ids of the linked-in migrations whose condition does not hold.
    async fn excluded(&self) -> Result<HashSet<&'static str>, Error> {
        let options = &self.0.options;
        let conditions = Conditions { environment: options.environment.clone(), provided: options.provided.clone() };
        let (mut excluded, mut errors) = (HashSet::new(), Vec::new());
        for migration in self.0.registry.all() {
            let Some(condition) = migration.condition() else { continue };
            match catch_panic(async { Ok(condition.holds(&conditions)) }).await {
                Ok(true) => {}
                Ok(false) => {
                    excluded.insert(migration.id());
                }
                Err(panic) => errors.push(Error::ConditionPanicked { id: migration.id(), message: panic.to_string() }),
            }
        }
        Error::gather(errors).map(|()| excluded)
    }
}
