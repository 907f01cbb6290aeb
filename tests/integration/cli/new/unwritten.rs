//! What `new` leaves to be written fails until it is: an empty body would be applied, and never run again.

use std::fs;
use std::path::Path;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{migrator, registry, status};

// The bodies, as in the files of the ui test.

#[migration(id = "001_tx", source = "module:unwritten")]
async fn in_transaction(tx: &mut Tx) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    let documents = tx.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}

#[migration(id = "002_schema", source = "module:unwritten")]
async fn of_schema(schema: &mut Schema) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    schema.create_index("", doc! {}).await
}

#[migration(id = "003_database", source = "module:unwritten")]
async fn by_hand(db: &Database) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    let documents = db.collection::<Document>("");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}

#[migration(id = "001_tx", source = "plugin:unwritten")]
async fn of_plugin(tx: &mut Tx) -> Result<(), mongrate::Error> {
    in_transaction(tx).await
}

#[migration(id = "002_schema", source = "plugin:unwritten")]
async fn of_schema_of_plugin(schema: &mut Schema) -> Result<(), mongrate::Error> {
    of_schema(schema).await
}

#[tokio::test]
async fn every_body_fails() {
    for source in ["module:unwritten", "plugin:unwritten"] {
        let db = TestDb::new().await;
        let ran = migrator(&db, source).build().unwrap().up().continue_on_error(true).await;
        assert!(matches!(ran, Err(Error::Failed { .. })), "{ran:?}");
        for migration in &registry(&[source]) {
            assert_eq!(status(&db, migration.id()).await, "failed", "{}", migration.id());
        }
    }
}

#[test]
fn these_are_the_bodies_that_are_written() {
    let here = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file!().strip_prefix("tests/").unwrap()))
        .unwrap();
    for name in ["m003_tx", "m003_schema", "m003_database"] {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui-tests/cases/pass/new").join(name).with_extension("rs");
        let code = fs::read_to_string(file).unwrap();
        let (_, body) = code.split_once("mongrate::Error> {\n").unwrap();
        assert!(here.contains(body), "{body}");
    }
}
