//! Finds documents that do not match a validator.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;

use super::{Check, EXAMPLES};
use crate::display::{Json, plural, shorten_value};
use crate::error::Readable;

/// How the server treats existing documents that do not match.
#[derive(Clone, Copy, Debug)]
pub(super) enum Strictness {
    /// Rejects an update unless the result matches.
    Strict,
    /// `validationLevel: "moderate"`
    OnlyNew,
    /// `validationAction: "warn"`
    OnlyLogged,
    /// `validationLevel: "off"`
    Off,
}

impl Strictness {
    /// Returns the strictness of a collection with these options.
    pub(super) fn of(options: &Document) -> Self {
        let is = |option: &str, value: &str| options.get_str(option).is_ok_and(|there| there == value);
        if is("validationLevel", "off") {
            Self::Off
        } else if is("validationAction", "warn") {
            Self::OnlyLogged
        } else if is("validationLevel", "moderate") {
            Self::OnlyNew
        } else {
            Self::Strict
        }
    }
}

impl Check<'_> {
    /// Counts existing documents that do not match. They do not make the operation fail: the server only checks later writes.
    pub(super) async fn violations(&mut self, stored: &str, validator: &Document, strictness: Strictness) {
        if let Strictness::Off = strictness {
            self.note("nothing is checked: `validationLevel` is `off`");
            return;
        }
        // This does not affect whether the operation succeeds.
        if let Err(error) = self.count_violations(stored, validator, strictness).await {
            self.note(format!("its documents could not be checked: {}", Readable(&error)));
        }
    }

    async fn count_violations(&mut self, stored: &str, validator: &Document, strictness: Strictness) -> Result<()> {
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
        let would_be = match strictness {
            Strictness::Strict => "would stay, but updates of them would be rejected",
            Strictness::OnlyNew => {
                "would stay, and updates of them would be accepted, because `validationLevel` is `moderate`"
            }
            Strictness::OnlyLogged | Strictness::Off => {
                "would stay, and updates of them would only be logged, because `validationAction` is `warn`"
            }
        };
        self.note(format!(
            "{} {do_not} match the validator and {would_be}: `_id` {}{}",
            plural(count, "document"),
            ids.join(", "),
            if count > ids.len() as u64 { ", .." } else { "" },
        ));
        Ok(())
    }
}
