//! The footprint of `Schema` migrations: the collections, views, options and indexes that they created or removed. It is stored
//! with their records, and compared with the database.

mod difference;
mod expectation;
mod fact;
mod snapshot;

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};

pub(crate) use self::difference::Difference;
pub(crate) use self::expectation::Expectation;
pub(crate) use self::fact::Facts;
pub(crate) use self::snapshot::Snapshot;
use crate::context::schema::log::Log;
use crate::error::Error;
use crate::store::{Attached, Records};

/// The order of executions: the token of the run, then the number of the execution in the run. Both only increase.
pub(crate) type Position = (i64, i64);

/// The footprint of one migration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Footprint {
    /// Qualified id.
    pub(crate) id: String,
    pub(crate) order: Position,
    pub(crate) facts: Facts,
}

impl Footprint {
    /// Parses the field `footprint` of a record. `None` if another version of Mongrate wrote it.
    pub(crate) fn parse(id: &str, stored: &Document) -> Option<Self> {
        let [token, number] = stored.get_array("order").ok()?.as_slice() else { return None };
        let order = (token.as_i64()?, number.as_i64()?);
        Some(Self { id: id.to_owned(), order, facts: Facts::parse(stored.get_array("facts").ok()?)? })
    }

    /// Returns the field `footprint` of a record.
    pub(crate) fn to_document(&self) -> Document {
        let (token, number) = self.order;
        doc! { "order": [Bson::Int64(token), Bson::Int64(number)], "facts": self.facts.to_array() }
    }
}

impl Expectation {
    /// Combines the footprints on record. For a body that has not ended, the effects that are done count; the effect in doubt is not
    /// compared.
    pub(crate) fn on_record(records: &Records, attached: &[Attached]) -> Result<Self, Error> {
        let (mut footprints, mut in_doubt) = (Vec::new(), Vec::new());
        for Attached { id, footprint, log } in attached {
            let unreadable = |field: &str| Error::UnreadableRecord {
                id: id.clone(),
                reason: format!("its field `{field}` is not one that this version writes"),
            };
            if let Some(footprint) = footprint {
                footprints.push(Footprint::parse(id, footprint).ok_or_else(|| unreadable("left"))?);
            }
            if let (Some(log), Some(record)) = (log, records.get(id)) {
                let log = Log::parse(log).ok_or_else(|| unreadable("log"))?;
                let done = log.entries.iter().filter(|entry| entry.result.is_some());
                let facts = Facts::of(done.map(|entry| &entry.effect));
                footprints.push(Footprint { id: id.clone(), order: record.last_executed(), facts });
                in_doubt.extend(log.in_doubt().map(|entry| entry.effect.clone()));
            }
        }
        let mut expectation = Self::of(footprints);
        for effect in &in_doubt {
            expectation.skip(effect);
        }
        Ok(expectation)
    }
}

/// Compares the database with the expectation: one `listCollections`, and one `listIndexes` for each collection with expected
/// indexes. Sends no command if nothing is expected.
pub(crate) async fn compare(database: &Database, expectation: &Expectation) -> Result<Vec<Difference>, Error> {
    let snapshot = Snapshot::at(database, expectation.names(), expectation.indexed()).await?;
    Ok(expectation.differences(&snapshot))
}
