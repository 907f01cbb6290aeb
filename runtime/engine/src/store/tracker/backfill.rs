//! Reads and writes what a record has of a backfill.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc, oid::ObjectId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Tracker;
use crate::error::Error;

impl Tracker {
    /// Reads the header of a backfill that has not completed.
    pub(crate) async fn backfill(&self, id: &str) -> Result<Option<Document>, Error> {
        let failed = |error| Error::server(format!("read the record of '{id}'"), error);
        let records = self.records.clone_with_type::<Document>();
        let found = records.find_one(doc! { "_id": id }).projection(doc! { "backfill": 1 }).await.map_err(failed)?;
        Ok(found.and_then(|record| record.get_document("backfill").ok().cloned()))
    }

    /// Reads the header of a backfill that has not completed, and documents of another collection, with one command.
    pub(crate) async fn backfill_with<T: DeserializeOwned>(
        &self,
        id: &str,
        from: &str,
        pipeline: Vec<Document>,
    ) -> Result<(Option<Document>, Vec<T>), Error> {
        #[derive(Deserialize)]
        struct Found<T> {
            backfill: Option<Document>,
            others: Vec<T>,
        }
        let failed = |error| Error::server(format!("read the record of '{id}' and '{from}'"), error);
        let read = [
            doc! { "$match": { "_id": id } },
            doc! { "$project": { "backfill": 1 } },
            doc! { "$lookup": { "from": from, "pipeline": pipeline, "as": "others" } },
        ];
        let mut found = self.records.aggregate(read).with_type::<Found<T>>().await.map_err(failed)?;
        let found = found.try_next().await.map_err(failed)?;
        Ok(found.map_or((None, Vec::new()), |Found { backfill, others }| (backfill, others)))
    }

    /// Reads the headers of all backfills that have not completed, by qualified id.
    pub(crate) async fn backfills(&self) -> Result<Vec<(String, Document)>, Error> {
        let failed = |error| Error::server(format!("read the records in '{}'", self.records.name()), error);
        let records = self.records.clone_with_type::<Document>();
        let open = records.find(doc! { "backfill": { "$exists": true } }).sort(doc! { "_id": 1 });
        let found: Vec<_> =
            open.projection(doc! { "backfill": 1 }).await.map_err(failed)?.try_collect().await.map_err(failed)?;
        let header = |record: &Document| {
            Some((record.get_str("_id").ok()?.to_owned(), record.get_document("backfill").ok()?.clone()))
        };
        Ok(found.iter().filter_map(header).collect())
    }

    /// Changes fields of the header's `steering`, without the lease. Returns false if this run has ended.
    pub(crate) async fn steer_backfill(
        &self,
        id: &str,
        run: ObjectId,
        set: Document,
        unset: Document,
    ) -> Result<bool, Error> {
        let steering = |fields: Document| -> Document {
            fields.into_iter().map(|(field, value)| (format!("backfill.steering.{field}"), value)).collect()
        };
        let mut update = Document::new();
        for (operator, fields) in [("$set", set), ("$unset", unset)] {
            if !fields.is_empty() {
                update.insert(operator, steering(fields));
            }
        }
        let steered = self.records.update_one(doc! { "_id": id, "backfill.run": run }, update).await;
        let steered = steered.map_err(|error| Error::server(format!("change the record of '{id}'"), error))?;
        Ok(steered.matched_count == 1)
    }

    /// Notes that there is nothing left to work on, so that the next run with the lease ends the backfill. Only a hint: that run
    /// looks at the ranges itself.
    pub(crate) async fn settle_backfill(&self, id: &str, run: ObjectId) -> Result<(), Error> {
        let same = doc! { "_id": id, "backfill.run": run, "underway": true };
        let settled = self.records.update_one(same, doc! { "$unset": { "underway": "" } }).await;
        settled.map(drop).map_err(|error| Error::server(format!("change the record of '{id}'"), error))
    }
}
