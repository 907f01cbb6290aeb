//! Applies and reverts the migrations of a recipe.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Migrator, Report};
use mongrate_guide_tests::builder;
use mongrate_tests::TestDb;
use mongrate_tests::stored::status;

/// The migrations of a recipe, applied to one database.
pub(crate) struct Recipe<'a> {
    db: &'a Database,
    ids: &'a [&'a str],
    pub(crate) migrator: Migrator,
}

impl<'a> Recipe<'a> {
    /// Applies all of them, in this order.
    pub(crate) async fn up(db: &'a Database, ids: &'a [&'a str]) -> Self {
        let migrator = builder(db, ids).build().unwrap();
        assert_eq!(applied(&migrator.up().await.unwrap()), ids);
        assert!(migrator.up().await.unwrap().is_empty());
        let validation = migrator.validate().await.unwrap();
        assert!(validation.is_valid(), "{validation}");
        Self { db, ids, migrator }
    }

    /// Reverts all of them with one call.
    pub(crate) async fn down(self) {
        let report = self.ids.iter().fold(self.migrator.down(), |down, id| down.only(*id)).await.unwrap();
        let expected: Vec<_> = self.ids.iter().rev().copied().collect();
        assert_eq!(reverted(&report), expected);
        for id in self.ids {
            assert_eq!(status(self.db, id).await, "rolled-back");
        }
    }
}

/// A database of each kind of server.
pub(crate) async fn databases() -> [TestDb; 2] {
    [TestDb::new().await, TestDb::standalone().await]
}

pub(crate) async fn insert(db: &Database, collection: &str, documents: impl IntoIterator<Item = Document>) {
    db.collection::<Document>(collection).insert_many(documents).await.unwrap();
}

/// The indexes of a collection by name.
pub(crate) async fn indexes(db: &Database, collection: &str) -> Vec<String> {
    let mut names = db.collection::<Document>(collection).list_index_names().await.unwrap();
    names.sort_unstable();
    names
}

/// The options of a collection.
pub(crate) async fn options(db: &Database, collection: &str) -> Document {
    let found = db.run_command(doc! { "listCollections": 1, "filter": { "name": collection } }).await.unwrap();
    let first =
        found.get_document("cursor").unwrap().get_array("firstBatch").unwrap()[0].as_document().unwrap().clone();
    first.get_document("options").unwrap().clone()
}

pub(crate) fn applied(report: &Report) -> Vec<&str> {
    report.applied().map(|execution| execution.id.as_str()).collect()
}

pub(crate) fn reverted(report: &Report) -> Vec<&str> {
    report.reverted().map(|execution| execution.id.as_str()).collect()
}
