//! Asks the conditions of migrations, with each read of the records.

use std::collections::HashSet;

use super::Migrator;
use crate::error::Error;
use crate::executor::catch_panic;
use crate::migration::Conditions;
use crate::store::{Attached, Records};

impl Migrator {
    /// Reads the records: one command. Marks the migrations that their condition excludes.
    pub(super) async fn records(&self) -> Result<Records, Error> {
        let excluded = self.excluded().await?;
        Ok(self.0.tracker.records().await?.excluding(excluded))
    }

    /// Like [`records`](Self::records), with the attached fields.
    pub(super) async fn all_records(&self) -> Result<(Records, Vec<Attached>), Error> {
        let excluded = self.excluded().await?;
        let (records, attached) = self.0.tracker.all().await?;
        Ok((records.excluding(excluded), attached))
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
