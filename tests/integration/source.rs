//! `#[mongrate::source]` on a module: the migrations in it belong to that source.

use mongodb::bson::doc;
use mongrate::{Migrator, Registry, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, record, registry, step, steps};

#[mongrate::source("module:sourced")]
mod sourced {
    use mongodb::bson::doc;
    use mongrate::{Tx, migration};
    use mongrate_tests::stored::step;

    #[migration(id = "001_second", deps = ["002_first", "module:sourced-base:001_base"])]
    async fn second(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
        step(tx, "second").await
    }

    mod inner {
        /// Runs first, although its number is higher.
        #[mongrate::migration(id = "002_first")]
        mod first {
            use mongodb::bson::doc;
            use mongrate::Tx;

            async fn up(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
                mongrate_tests::stored::step(tx, "first").await
            }

            async fn down(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
                tx.collection("undone").insert_one(doc! { "_id": "first" }).await.map(drop)
            }
        }
    }

    #[cfg_attr(all(), migration(id = "003_third", deps = ["001_second"], down = undo))]
    async fn third(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
        step(tx, "third").await
    }

    async fn undo(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
        tx.collection("undone").insert_one(doc! { "_id": "third" }).await.map(drop)
    }
}

#[migration(id = "001_base", source = "module:sourced-base")]
async fn base(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    step(tx, "base").await
}

#[tokio::test]
async fn i3_migrations_of_a_module_with_a_source_run_with_short_dependencies() {
    let db = TestDb::new().await;
    let registry = registry(&["module:sourced", "module:sourced-base"]);
    let migrator = Migrator::builder(db.clone()).registry(registry).build().unwrap();
    migrator.up().await.unwrap();
    assert_eq!(steps(&db).await, ["first", "base", "second", "third"]);
    let stored = record(&db, "module:sourced:002_first").await.unwrap();
    assert_eq!(stored.get_str("description").unwrap(), "Runs first, although its number is higher.");

    migrator.down().only("module:sourced:003_third").await.unwrap();
    assert_eq!(count(&db, "undone", doc! { "_id": "third" }).await, 1);
}

#[mongrate::source("module:sourced-short")]
mod short {
    use mongodb::bson::doc;
    use mongrate::{Tx, migration};

    #[migration(id = "001_a")]
    async fn a(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
        tx.collection("things").insert_one(doc! { "_id": [1, 2] }).await.map(drop)
    }

    #[migration(id = "002_b")]
    mod b {
        async fn up(tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
            let _ = tx;
            Ok(())
        }
    }
}

mod written {
    use mongodb::bson::doc;
    use mongrate::{Tx, migration};

    #[migration(id = "001_a", source = "module:sourced-written")]
    async fn a(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
        tx.collection("things").insert_one(doc! { "_id": [1, 2] }).await.map(drop)
    }

    #[migration(id = "002_b", source = "module:sourced-written")]
    mod b {
        async fn up(tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
            let _ = tx;
            Ok(())
        }
    }
}

#[test]
fn checksums_are_those_of_the_argument() {
    let linked = Registry::linked();
    let checksum = |source: &str, id: &str| linked.get(&format!("module:{source}:{id}")).unwrap().checksum().to_owned();
    for id in ["001_a", "002_b"] {
        assert_eq!(checksum("sourced-short", id), checksum("sourced-written", id));
    }
}
