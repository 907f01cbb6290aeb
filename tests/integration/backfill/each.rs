//! Changes that are computed in Rust, of documents with values of all types.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{
    Binary, Bson, DateTime, Decimal128, Document, JavaScriptCodeWithScope, Regex, Timestamp, Uuid, doc,
};
use mongrate::context::Change;
use mongrate::{Backfill, Error, Migrator, Registry, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::documents;
use serde::Deserialize;

use super::described::ids;

const SOURCE: &str = "module:backfill-each-type";

/// The fields of types that have one in Rust, and the rest.
#[derive(Deserialize)]
struct Thing {
    #[serde(rename = "_id")]
    id: Bson,
    double: f64,
    string: String,
    document: Document,
    array: Vec<Bson>,
    binary: Binary,
    uuid: Uuid,
    object_id: ObjectId,
    boolean: bool,
    date: DateTime,
    #[serde(rename = "null")]
    nothing: Option<i32>,
    regex: Regex,
    int: i32,
    timestamp: Timestamp,
    long: i64,
    decimal: Decimal128,
    others: Vec<Bson>,
}

fn things() -> Vec<Document> {
    let regex = Regex { pattern: "^a".try_into().unwrap(), options: "i".try_into().unwrap() };
    let scoped = JavaScriptCodeWithScope { code: "f(a)".to_owned(), scope: doc! { "a": 1 } };
    let fields = doc! {
        "double": 1.5, "string": "ü", "document": { "b": { "a": 1 } }, "array": [1, "two", [3_i64]],
        "binary": Binary { subtype: BinarySubtype::Md5, bytes: vec![1; 16] }, "uuid": Uuid::from_bytes([7; 16]),
        "object_id": ObjectId::from_bytes([5; 12]), "boolean": true, "date": DateTime::from_millis(-1), "null": null,
        "regex": regex, "int": i32::MIN, "timestamp": Timestamp { time: 1, increment: 2 }, "long": i64::MAX,
        "decimal": "1E+10".parse::<Decimal128>().unwrap(),
        "others": [
            Bson::Undefined, Bson::Symbol("symbol".to_owned()), Bson::JavaScriptCode("f()".to_owned()),
            Bson::JavaScriptCodeWithScope(scoped), Bson::MinKey, Bson::MaxKey,
        ],
    };
    ids().into_iter().map(|id| doc! { "_id": id }.into_iter().chain(fields.clone()).collect()).collect()
}

#[migration(id = "001_typed", source = "module:backfill-each-type")]
async fn typed(backfill: &mut Backfill) -> Result<(), Error> {
    let copy = |thing: Thing| {
        let Thing { id, double, string, document, array, binary, uuid, object_id, boolean, .. } = thing;
        let Thing { date, nothing, regex, int, timestamp, long, decimal, others, .. } = thing;
        Ok::<_, Error>(Change::set(doc! { "copy": {
            "_id": id, "double": double, "string": string, "document": document, "array": array, "binary": binary,
            "uuid": uuid, "object_id": object_id, "boolean": boolean, "date": date, "null": nothing, "regex": regex, "int": int,
            "timestamp": timestamp, "long": long, "decimal": decimal, "others": others,
        } }))
    };
    backfill.collection("things").each(copy).await
}

#[migration(id = "002_untyped", source = "module:backfill-each-type")]
async fn untyped(backfill: &mut Backfill) -> Result<(), Error> {
    let replacement = |mut thing: Document| {
        let Some(Bson::Document(copy)) = thing.remove("copy") else { return Ok(Change::delete()) };
        // Not with `==`, because a NaN is not equal to itself.
        thing.insert("same", format!("{thing:?}") == format!("{copy:?}"));
        thing.insert("copy", copy);
        Ok::<_, Error>(Change::replace(thing))
    };
    backfill.collection("things").each(replacement).await
}

#[tokio::test]
async fn i1_values_of_every_type_are_read_and_written_as_they_are() {
    let db = TestDb::new().await;
    db.collection("things").insert_many(things()).await.unwrap();
    let before = documents(&db, "things").await;
    let migrator = Migrator::builder((*db).clone()).registry(Registry::linked().source(SOURCE)).build().unwrap();
    migrator.up().await.unwrap();
    let after = documents(&db, "things").await;
    assert_eq!((before.len(), after.len()), (26, 26));
    for (before, mut after) in before.into_iter().zip(after) {
        let Some(Bson::Document(copy)) = after.remove("copy") else { panic!("no copy: {after}") };
        assert_eq!(after.remove("same"), Some(Bson::Boolean(true)));
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
        assert_eq!(format!("{copy:?}"), format!("{before:?}"));
    }
}
