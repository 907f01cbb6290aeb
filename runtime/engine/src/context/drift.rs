//! What `Schema` migrations have left in the database, stored beside their records, and whether it is still there.

mod difference;
mod expectation;
mod fact;
mod look;

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};

pub(crate) use self::difference::Difference;
pub(crate) use self::expectation::Expectation;
pub(crate) use self::fact::Facts;
pub(crate) use self::look::Look;
use crate::context::schema::log::Log;
use crate::error::Error;
use crate::store::{Attached, Records};

/// When a migration was executed: the token of its run, then its number among the executions of that run. Both only rise.
pub(crate) type Position = (i64, i64);

/// What one migration has left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Left {
    /// Qualified id.
    pub(crate) id: String,
    pub(crate) order: Position,
    pub(crate) facts: Facts,
}

impl Left {
    /// Reads the field of a record; `None` when it is not one that this version writes.
    pub(crate) fn parse(id: &str, stored: &Document) -> Option<Self> {
        let [token, number] = stored.get_array("order").ok()?.as_slice() else { return None };
        let order = (token.as_i64()?, number.as_i64()?);
        Some(Self { id: id.to_owned(), order, facts: Facts::parse(stored.get_array("facts").ok()?)? })
    }

    /// As it is stored.
    pub(crate) fn to_document(&self) -> Document {
        let (token, number) = self.order;
        doc! { "order": [Bson::Int64(token), Bson::Int64(number)], "facts": self.facts.to_array() }
    }
}

impl Expectation {
    /// What the records say. The done effects of a body that has not ended count; the one that is in doubt is not compared.
    pub(crate) fn on_record(records: &Records, attached: &[Attached]) -> Result<Self, Error> {
        let (mut lefts, mut in_doubt) = (Vec::new(), Vec::new());
        for Attached { id, left, log } in attached {
            let unreadable = |field: &str| Error::UnreadableRecord {
                id: id.clone(),
                reason: format!("its field `{field}` is not one that this version writes"),
            };
            if let Some(left) = left {
                lefts.push(Left::parse(id, left).ok_or_else(|| unreadable("left"))?);
            }
            if let (Some(log), Some(record)) = (log, records.get(id)) {
                let log = Log::parse(log).ok_or_else(|| unreadable("log"))?;
                let done = log.entries.iter().filter(|entry| entry.result.is_some());
                let facts = Facts::of(done.map(|entry| &entry.effect));
                lefts.push(Left { id: id.clone(), order: record.last_executed(), facts });
                in_doubt.extend(log.in_doubt().map(|entry| entry.effect.clone()));
            }
        }
        let mut expectation = Self::of(lefts);
        for effect in &in_doubt {
            expectation.skip(effect);
        }
        Ok(expectation)
    }
}

/// Compares the database with what these migrations have left: one `listCollections`, and one `listIndexes` for each collection
/// with indexes among it; no command at all when nothing was left.
pub(crate) async fn compare(database: &Database, expectation: &Expectation) -> Result<Vec<Difference>, Error> {
    let look = Look::at(database, expectation.names(), expectation.indexed()).await?;
    Ok(expectation.differences(&look))
}
