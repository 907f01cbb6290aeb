//! Checks that Mongrate's configured collections are not the application's.

use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use mongodb::bson::{Bson, Document, doc};
use mongodb::results::CollectionSpecification;

use super::Migrator;
use crate::error::codes::UNAUTHORIZED;
use crate::error::{Error, code};
use crate::store::unsuitable;

impl Migrator {
    /// Refuses collections that Mongrate must not write to. Called before the first write of a run. Skips collections without read
    /// privileges, which no run needs otherwise. The collection of records is checked whenever it is read.
    pub(super) async fn refuse_foreign(&self) -> Result<(), Error> {
        let names = &self.0.options.names;
        let listed = match self.own_collections().await {
            Err(error) if code(&error) == Some(UNAUTHORIZED) => return Ok(()),
            listed => listed.map_err(|error| Error::server("list Mongrate's own collections", error))?,
        };
        if let Some((collection, kind)) = listed.iter().find_map(|own| Some((own.name.clone(), unsuitable(own)?))) {
            return Err(Error::UnsuitableCollection { collection, kind });
        }
        let checks = [
            (&names.history, is_history as fn(&Document) -> bool),
            (&names.lock, is_lock as fn(&Document) -> bool),
            (&names.ranges, is_range as fn(&Document) -> bool),
            (&names.kv, is_kv as fn(&Document) -> bool),
        ];
        let existing = checks.into_iter().filter(|(name, _)| listed.iter().any(|own| own.name == **name));
        try_join_all(existing.map(|(name, is_ours)| self.refuse_unless(name, is_ours))).await?;
        Ok(())
    }

    async fn own_collections(&self) -> mongodb::error::Result<Vec<CollectionSpecification>> {
        let names: Vec<_> = self.0.options.names.all().map(|(_, name)| name).into();
        let listed = self.0.database.list_collections().filter(doc! { "name": { "$in": names } }).await?;
        listed.try_collect().await
    }

    /// Checks one document, which suffices because an application does not start to use a collection of Mongrate.
    async fn refuse_unless(&self, name: &str, is_ours: fn(&Document) -> bool) -> Result<(), Error> {
        let first = self.0.database.collection::<Document>(name).find_one(doc! {}).await;
        match first {
            Ok(Some(first)) if !is_ours(&first) => Err(Error::ForeignCollection {
                collection: name.to_owned(),
                example: first.get("_id").map_or_else(|| "(none)".to_owned(), Bson::to_string),
                made_by: String::new(),
            }),
            Err(error) if code(&error) != Some(UNAUTHORIZED) => {
                Err(Error::server(format!("read the first document of '{name}'"), error))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn is_history(document: &Document) -> bool {
    document.contains_key("act") && document.contains_key("executedAt")
}

fn is_lock(document: &Document) -> bool {
    document.get_str("_id").is_ok_and(|id| ["lease", "fence"].contains(&id)) && document.contains_key("token")
}

fn is_range(document: &Document) -> bool {
    document.get_document("_id").is_ok_and(|id| id.contains_key("run") && id.contains_key("n"))
}

fn is_kv(document: &Document) -> bool {
    document.get_document("_id").is_ok_and(|id| id.contains_key("source") && id.contains_key("key"))
}
