//! Documents that a validator would refuse.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;

use super::{Check, Described, EXAMPLES};
use crate::excerpt::shorten_value;
use crate::grouped::counted;
use crate::json::Json;

impl Check<'_> {
    /// Counts those that are there. They are no obstacle: the server looks only at what is written from then on.
    pub(super) async fn violations(&mut self, there: &Described, validator: &Document) -> Result<()> {
        let Some(stored) = &there.stored else { return Ok(()) };
        let refused = doc! { "$nor": [validator.clone()] };
        let documents = self.database.collection::<Document>(stored);
        let count = documents.count_documents(refused.clone()).max_time(self.max_time).await?;
        if count == 0 {
            self.note("all documents match the validator");
            return Ok(());
        }
        let examples = documents
            .find(refused)
            .projection(doc! { "_id": 1 })
            .sort(doc! { "_id": 1 })
            .limit(EXAMPLES)
            .max_time(self.max_time);
        let examples: Vec<_> = examples.await?.try_collect().await?;
        let ids = examples.into_iter().filter_map(|mut found| found.remove("_id")).map(shorten_value);
        let ids: Vec<_> = ids.map(|id| Json(&id).to_string()).collect();
        let do_not = if count == 1 { "does not" } else { "do not" };
        self.note(format!(
            "{} {do_not} match the validator and would be left, but refused when they are changed: `_id` {}{}",
            counted(count, "document"),
            ids.join(", "),
            if count > ids.len() as u64 { ", .." } else { "" },
        ));
        Ok(())
    }
}
