//! Predictions about unique indexes, compared with the server.

use mongodb::bson::{Document, doc};
use mongodb::options::{Collation, CollationStrength};
use mongrate::report::{Outcome, Prediction};
use mongrate::{Error, Schema, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::migrator;

use super::{of, rehearsed};

/// A test with a migration of its own: name, source, the index, the documents, and what the dry run finds of duplicates.
macro_rules! unique {
    ($name:ident, $source:literal, $keys:tt, |$index:ident| $options:expr, [$($document:tt),* $(,)?], $found:expr) => {
        mod $name {
            use super::*;

            #[migration(id = "001_unique", source = $source)]
            async fn create(schema: &mut Schema) -> Result<(), mongrate::Error> {
                let $index = schema.create_index("users", doc! $keys).unique();
                $options.await
            }

            #[tokio::test]
            async fn test() {
                check($source, vec![$(doc! $document),*], $found).await;
            }
        }
    };
}

async fn check(source: &str, documents: Vec<Document>, expected: &[&str]) {
    let db = TestDb::new().await;
    let count = documents.len();
    db.collection("users").insert_many(documents).await.unwrap();
    let migrator = migrator(&db, source).build().unwrap();
    let report = rehearsed(&db, migrator.up()).await.unwrap();
    let execution = of(&report, "001_unique");
    assert_eq!(execution.operations.len(), 1);
    let operation = &execution.operations[0];
    let scanned = format!("{count} document{} would be scanned", if count == 1 { "" } else { "s" });
    assert_eq!(operation.notes[0], scanned);
    assert_eq!(operation.notes[1..], *expected);
    let would_fail = operation.prediction == Some(Prediction::WouldFail);
    assert_eq!(would_fail, matches!(execution.outcome, Outcome::WouldFail));
    match migrator.up().await {
        Ok(_) => assert!(!would_fail, "the server accepts it"),
        Err(Error::Failed { message, .. }) => {
            assert!(message.contains("11000"), "{message}");
            assert!(would_fail, "{message}");
        }
        Err(error) => panic!("{error}"),
    }
}

unique!(plain, "module:dry-unique-plain", { "a": 1 }, |index| index, [{ "a": 1 }, { "a": 2 }, { "a": "1" }], &["no duplicates"]);
unique!(
    three_examples,
    "module:dry-unique-examples",
    { "a": 1 },
    |index| index,
    [
        { "a": 1 }, { "a": 1.0 }, { "a": 2 }, { "a": 2 }, { "a": 2 }, { "a": 3 }, { "a": 3 }, { "a": 4 }, { "a": 4 }, { "a": 5 }
    ],
    &["would fail: 4 values occur more than once, 9 times in total: \
       {\"a\":2} (3 documents), {\"a\":1} (2 documents), {\"a\":3} (2 documents), .. (code 11000)"]
);
unique!(
    missing_is_null,
    "module:dry-unique-missing",
    { "a": 1 },
    |index| index,
    [{ "a": null }, { "b": 1 }, { "a": 1 }],
    &["would fail: 1 value occurs more than once, 2 times in total: {\"a\":null} (2 documents) (code 11000)"]
);
unique!(sparse, "module:dry-unique-sparse", { "a": 1 }, |index| index.sparse(), [{ "a": null }, { "b": 1 }, {}], &["no duplicates"]);
unique!(
    sparse_with_nulls,
    "module:dry-unique-sparse-null",
    { "a": 1 },
    |index| index.sparse(),
    [{ "a": null }, { "a": null }, { "b": 1 }],
    &["would fail: 1 value occurs more than once, 2 times in total: {\"a\":null} (2 documents) (code 11000)"]
);
unique!(
    partial,
    "module:dry-unique-partial",
    { "a": 1 },
    |index| index.partial(doc! { "live": true }),
    [{ "a": 1, "live": true }, { "a": 1 }, { "a": 1 }],
    &["no duplicates"]
);
unique!(
    partial_with_duplicates,
    "module:dry-unique-partial-bad",
    { "a": 1 },
    |index| index.partial(doc! { "live": true }),
    [{ "a": 1, "live": true }, { "a": 1, "live": true }, { "a": 1 }],
    &["would fail: 1 value occurs more than once, 2 times in total: {\"a\":1} (2 documents) (code 11000)"]
);
unique!(
    compound,
    "module:dry-unique-compound",
    { "a": 1, "b.c": -1 },
    |index| index,
    [{ "a": 1, "b": { "c": 1 } }, { "a": 1, "b": { "c": 2 } }, { "a": 2, "b": { "c": 1 } }, { "a": 1 }],
    &["no duplicates"]
);
unique!(
    compound_with_duplicates,
    "module:dry-unique-compound-bad",
    { "b.c": 1, "a": -1 },
    |index| index,
    [{ "a": 1, "b": { "c": 1 } }, { "a": 1, "b": { "c": 1 } }, { "a": 1 }, { "a": 1, "b": 7 }],
    &["would fail: 2 values occur more than once, 4 times in total: \
       {\"b.c\":null,\"a\":1} (2 documents), {\"b.c\":1,\"a\":1} (2 documents) (code 11000)"]
);
unique!(
    arrays,
    "module:dry-unique-arrays",
    { "a": 1 },
    |index| index,
    // The same twice in one document is no duplicate, an empty array is not null.
    [{ "a": [1, 1, 2] }, { "a": [3] }, { "a": [] }, { "a": null }, { "a": [[1]] }],
    &["no duplicates"]
);
unique!(
    arrays_with_duplicates,
    "module:dry-unique-arrays-bad",
    { "a": 1 },
    |index| index,
    [{ "a": [1, 2] }, { "a": [2, 3] }, { "a": 3 }, { "a": [] }, { "a": [] }],
    &["would fail: 3 values occur more than once, 6 times in total: \
       {\"a\":[]} (2 documents), {\"a\":2} (2 documents), {\"a\":3} (2 documents) (code 11000)"]
);
unique!(
    array_in_a_compound,
    "module:dry-unique-arrays-compound",
    { "a": 1, "b": 1 },
    |index| index,
    [{ "a": [1, 2], "b": 1 }, { "a": 2, "b": 2 }, { "a": [2], "b": 1 }],
    &["would fail: 1 value occurs more than once, 2 times in total: {\"a\":2,\"b\":1} (2 documents) (code 11000)"]
);
unique!(
    array_on_the_way,
    "module:dry-unique-arrays-way",
    { "a.b": 1, "a.c": 1 },
    |index| index,
    // By the values alone, the first two would be the same.
    [{ "a": [{ "b": 1, "c": 1 }, { "b": 2, "c": 2 }] }, { "a": [{ "b": 1, "c": 2 }] }, { "a": { "b": 3 } }, { "a": [] }],
    &["documents in which 'a' is an array were not searched for duplicates", "no duplicates among the others"]
);
unique!(
    array_on_the_way_and_duplicates,
    "module:dry-unique-arrays-way-bad",
    { "a.b": 1 },
    |index| index,
    [{ "a": [{ "b": 1 }] }, { "a": { "b": 2 } }, { "a": { "b": 2 } }],
    &[
        "documents in which 'a' is an array were not searched for duplicates",
        "would fail: 1 value occurs more than once, 2 times in total: {\"a.b\":2} (2 documents) (code 11000)"
    ]
);
unique!(
    collation,
    "module:dry-unique-collation",
    { "a": 1 },
    |index| index.collation(Collation::builder().locale("en").strength(CollationStrength::Secondary).build()),
    [{ "a": "Ada" }, { "a": "ada" }, { "a": "bob" }],
    &["would fail: 1 value occurs more than once, 2 times in total: {\"a\":\"Ada\"} (2 documents) (code 11000)"]
);
