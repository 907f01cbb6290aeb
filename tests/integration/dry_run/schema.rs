//! Predictions about `Schema` operations, compared with a real run.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::Collation;
use mongrate::report::{Outcome, Prediction};
use mongrate::{Error, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::migrator;

use super::{of, reason, rehearsed};

#[migration(id = "001_all", source = "module:dry-schema")]
async fn all(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("new").await?;
    schema.create_collection("users").await?;
    schema.create_collection("users").validator(doc! { "age": { "$gt": 17 } }).await?;
    schema.set_validator("users", doc! { "$jsonSchema": { "required": ["_id"] } }).await?;
    schema
        .modify_collection(
            "users",
            doc! { "validationAction": "warn", "changeStreamPreAndPostImages": { "enabled": true } },
        )
        .await?;
    schema.create_index("users", doc! { "age": 1 }).await?;
    schema.create_index("users", doc! { "name": 1 }).await?;
    schema.create_index("nowhere", doc! { "name": 1 }).unique().await?;
    schema.drop_index("users", "name_1").await?;
    schema.drop_index("users", "missing_1").await?;
    schema.drop_index("nowhere", "missing_1").await?;
    schema.drop_collection("many").await?;
    schema.drop_collection("nowhere").await?;
    schema.drop_collection("nowhere").await?;
    schema.create_view("adults", "users", [doc! { "$match": { "age": 1 } }]).await?;
    schema.create_view("minors", "users", [doc! { "$match": { "age": { "$lt": 18 } } }]).await?;
    schema.create_view("minors", "nowhere", []).await?;
    schema.rename_collection("gone", "users").await?;
    schema.rename_collection("users", "people").await
}

const FOUND: &[(&str, &str, &[&str])] = &[
    ("create_collection", "new", &["would be created"]),
    ("create_collection", "users", &["exists already and would stay unchanged"]),
    (
        "create_collection",
        "users",
        &[
            "exists already, and would get this validator",
            "4 documents do not match the validator and would stay, but updates of them would be rejected: `_id` 1, 2, 3, ..",
        ],
    ),
    ("modify_collection", "users", &["all documents match the validator"]),
    ("modify_collection", "users", &["all documents match the validator"]),
    ("create_index", "users", &["5 documents would be scanned"]),
    ("create_index", "users", &["the same index exists already: nothing to do"]),
    ("create_index", "nowhere", &["'nowhere' does not exist, and would be created with the index"]),
    ("drop_index", "users", &[r#"the index 'name_1' on {"name":1} would be dropped"#]),
    ("drop_index", "users", &["there is no index 'missing_1': nothing to do"]),
    ("drop_index", "nowhere", &["there is no index 'missing_1': nothing to do"]),
    ("drop_collection", "many", &["would be dropped, and 1,000 documents lost"]),
    ("drop_collection", "nowhere", &["would be dropped, and 0 documents lost"]),
    ("drop_collection", "nowhere", &["does not exist: nothing to do"]),
    ("create_view", "adults", &["would be created"]),
    ("create_view", "minors", &["the same view exists already: nothing to do"]),
    (
        "create_view",
        "minors",
        &["exists already, and would get this definition", "'nowhere' does not exist, so the view would be empty"],
    ),
    ("rename_collection", "gone", &["has been renamed to 'users' already: nothing to do"]),
    ("rename_collection", "users", &["would be renamed to 'people'"]),
];

async fn with_users() -> TestDb {
    let db = TestDb::new().await;
    let ages = [1, 2, 3, 4, 18].map(|age| doc! { "_id": age, "age": age });
    db.collection("users").insert_many(ages).await.unwrap();
    db.collection("many").insert_many((0..1_000).map(|id| doc! { "_id": id })).await.unwrap();
    let view = doc! { "create": "minors", "viewOn": "users", "pipeline": [{ "$match": { "age": { "$lt": 18 } } }] };
    let indexes = doc! { "createIndexes": "users", "indexes": [{ "key": { "name": 1 }, "name": "name_1" }] };
    for command in [view, indexes] {
        db.run_command(command).await.unwrap();
    }
    db
}

#[tokio::test]
async fn i4_every_operation_is_checked_and_none_executed() {
    let db = with_users().await;
    let report = rehearsed(&db, migrator(&db, "module:dry-schema").build().unwrap().up()).await.unwrap();
    let execution = of(&report, "001_all");
    assert!(matches!(execution.outcome, Outcome::WouldApply), "{report}");
    for (operation, (kind, collection, notes)) in execution.operations.iter().zip(FOUND) {
        assert_eq!((operation.kind, operation.collection.as_str()), (*kind, *collection));
        assert_eq!(operation.notes, *notes, "{operation}");
        assert!(operation.prediction < Some(Prediction::CannotTell), "{operation:?}");
    }
    assert_eq!(execution.operations.len(), FOUND.len());

    // Not even tried, but for what is created in a transaction that is rolled back.
    let _ = db.commands().take();
    migrator(&db, "module:dry-schema").build().unwrap().up().dry_run(true).await.unwrap();
    let mut sent = db.commands().count();
    assert_eq!(sent.remove("create"), sent.remove("abortTransaction"));
    assert!(sent.remove("createIndexes").is_some());
    let sent: Vec<_> = sent.into_keys().collect();
    assert_eq!(sent, ["aggregate", "count", "explain", "find", "hello", "listCollections", "listIndexes"]);
}

/// An operation that would fail, and the server's code when it does.
macro_rules! obstacle {
    ($name:ident, $source:literal, |$schema:ident| $operation:expr, $note:literal, $code:literal) => {
        mod $name {
            use super::*;

            #[migration(id = "001_fails", source = $source)]
            async fn fails($schema: &mut Schema) -> Result<(), mongrate::Error> {
                $operation.await
            }

            #[tokio::test]
            async fn test() {
                would_fail($source, $note, $code).await;
            }
        }
    };
}

async fn would_fail(source: &str, note: &str, code: &str) {
    let db = with_users().await;
    let migrator = migrator(&db, source).build().unwrap();
    let report = rehearsed(&db, migrator.up()).await.unwrap();
    let execution = of(&report, "001_fails");
    assert!(matches!(execution.outcome, Outcome::WouldFail), "{report}");
    assert_eq!(execution.operations[0].notes, [format!("would fail: {note}")]);
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains(&format!("code {code})")), "{error}");
}

obstacle!(
    same_keys_under_another_name,
    "module:dry-obstacle-85",
    |schema| schema.create_index("users", doc! { "name": 1.0 }).named("by_name"),
    r#"another index conflicts with it (code 85): {"key":{"name":1},"name":"name_1"}"#,
    "85"
);
obstacle!(
    same_name_with_other_options,
    "module:dry-obstacle-86",
    |schema| schema.create_index("users", doc! { "name": 1 }).unique(),
    r#"another index conflicts with it (code 86): {"key":{"name":1},"name":"name_1"}"#,
    "86"
);
obstacle!(
    same_name_with_other_keys,
    "module:dry-obstacle-86-keys",
    |schema| schema.create_index("users", doc! { "age": 1 }).named("name_1"),
    r#"another index conflicts with it (code 86): {"key":{"name":1},"name":"name_1"}"#,
    "86"
);
obstacle!(
    same_index_with_another_age,
    "module:dry-obstacle-age",
    |schema| schema.create_index("users", doc! { "name": 1 }).expire_after(Duration::from_secs(60)),
    r#"another index conflicts with it (code 85): {"key":{"name":1},"name":"name_1"}"#,
    "85"
);
obstacle!(
    same_name_with_a_collation,
    "module:dry-obstacle-collation",
    |schema| schema.create_index("users", doc! { "name": 1 }).collation(Collation::builder().locale("de").build()),
    r#"another index conflicts with it (code 86): {"key":{"name":1},"name":"name_1"}"#,
    "86"
);
obstacle!(
    index_on_a_view,
    "module:dry-obstacle-view-index",
    |schema| schema.create_index("minors", doc! { "a": 1 }),
    "'minors' is a view (code 166)",
    "166"
);
obstacle!(
    view_over_a_collection,
    "module:dry-obstacle-view",
    |schema| schema.create_view("users", "people", []),
    "a collection has this name (code 48)",
    "48"
);
obstacle!(
    validator_of_nothing,
    "module:dry-obstacle-validator",
    |schema| schema.set_validator("nowhere", doc! { "a": 1 }),
    "it does not exist (code 26)",
    "26"
);
obstacle!(
    rename_over,
    "module:dry-obstacle-rename",
    |schema| schema.rename_collection("users", "minors"),
    "'minors' exists already (code 48)",
    "48"
);
obstacle!(
    rename_of_nothing,
    "module:dry-obstacle-rename-nothing",
    |schema| schema.rename_collection("nowhere", "neither"),
    "neither it nor 'neither' exists (code 26)",
    "26"
);
obstacle!(
    index_on_id,
    "module:dry-obstacle-id",
    |schema| schema.drop_index("users", "_id_"),
    "the index on `_id` cannot be dropped (code 72)",
    "72"
);

#[migration(id = "001_invalid", source = "module:dry-unchecked")]
async fn invalid(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.modify_collection("users", doc! { "nonsense": 1 }).await
}

#[tokio::test]
async fn an_unpredictable_operation_is_reported() {
    let db = with_users().await;
    let report = rehearsed(&db, migrator(&db, "module:dry-unchecked").build().unwrap().up()).await.unwrap();
    let notes = &of(&report, "001_invalid").operations[0].notes;
    assert_eq!(*notes, ["cannot tell: the server cannot be asked whether it would accept: nonsense"]);
    assert_eq!(reason(&report, "001_invalid"), "the effect of some operations cannot be predicted");
}

#[migration(id = "001_tidy", source = "module:dry-before")]
async fn tidy(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").update_many(doc! {}, doc! { "$set": { "name": "same" } }).await?;
    Ok(())
}

#[migration(id = "002_unique", source = "module:dry-before", deps = ["module:dry-before:001_tidy"])]
async fn unique(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "age": 1, "name": 1 }).unique().await
}

#[migration(id = "003_other", source = "module:dry-before")]
async fn other(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "other": 1 }).await?;
    // It returns its own error, which is no finding.
    Err(Error::Refused("not today".to_owned()))
}

#[tokio::test]
async fn a_check_reports_missing_effects() {
    let db = with_users().await;
    let error = rehearsed(&db, migrator(&db, "module:dry-before").build().unwrap().up()).await.unwrap_err();
    let report = error.report().unwrap();
    let unseen = "checked without the effects of 'module:dry-before:001_tidy'";
    assert_eq!(of(report, "002_unique").notes, [unseen]);
    assert!(matches!(of(report, "003_other").outcome, Outcome::Failed { .. }));
    assert_eq!(of(report, "003_other").operations.len(), 1);
    assert!(error.to_string().contains("not today"), "{error}");
}

#[migration(id = "001_makes", source = "module:dry-projection")]
async fn makes(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("fresh").validator(doc! { "a": 1 }).await?;
    schema.set_validator("fresh", doc! { "a": 2 }).await?;
    schema.create_index("fresh", doc! { "a": 1 }).unique().await?;
    schema.create_index("fresh", doc! { "a": 1 }).unique().await?;
    // One with the same keys is there, and another one takes its place.
    schema.drop_index("users", "name_1").await?;
    schema.create_index("users", doc! { "name": 1 }).sparse().await?;
    schema.rename_collection("users", "people").await
}

#[migration(id = "002_goes_on", source = "module:dry-projection")]
async fn goes_on(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_index("people", "name_1").await?;
    schema.create_index("people", doc! { "age": 1 }).unique().await?;
    schema.create_view("seen", "people", []).await?;
    schema.create_view("seen", "people", []).await?;
    schema.create_collection("users").await?;
    schema.drop_collection("fresh").await?;
    schema.create_view("fresh", "people", []).await
}

#[tokio::test]
async fn an_operation_sees_the_predicted_effects_of_earlier_ones() {
    let db = with_users().await;
    let migrator = migrator(&db, "module:dry-projection").build().unwrap();
    let report = rehearsed(&db, migrator.up()).await.unwrap();
    let notes = |name: &str| -> Vec<String> {
        of(&report, name).operations.iter().flat_map(|operation| operation.notes.clone()).collect()
    };
    assert_eq!(
        notes("001_makes"),
        [
            "would be created",
            "0 documents would be scanned",
            "the same index exists already: nothing to do",
            r#"the index 'name_1' on {"name":1} would be dropped"#,
            "5 documents would be scanned",
            "would be renamed to 'people'",
        ]
    );
    assert_eq!(
        notes("002_goes_on"),
        [
            r#"the index 'name_1' on {"name":1} would be dropped"#,
            "5 documents would be scanned",
            "no duplicates",
            "would be created",
            "the same view exists already: nothing to do",
            "would be created",
            "would be dropped, and 0 documents lost",
            "would be created",
        ]
    );
    assert!(report.to_string().ends_with("Dry run: 2 would be applied; nothing was changed."));
    migrator.up().await.unwrap();
}

#[migration(id = "001_tidies", source = "module:dry-doubt")]
async fn tidies(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").delete_many(doc! { "age": { "$lt": 4 } }).await?;
    Ok(())
}

#[migration(id = "002_unique", source = "module:dry-doubt")]
async fn tidied(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "name": 1 }).named("of_name").unique().await
}

#[migration(id = "003_other", source = "module:dry-doubt")]
async fn not_tidied(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("many", doc! { "name": 1 }).unique().await
}

/// An operation that would fail on the current data may succeed after an earlier step.
#[tokio::test]
async fn an_obstacle_that_an_earlier_step_may_remove_is_uncertain() {
    let db = with_users().await;
    let report = rehearsed(&db, migrator(&db, "module:dry-doubt").build().unwrap().up()).await.unwrap();
    let reason = reason(&report, "002_unique");
    assert!(
        reason.ends_with("ran without the effects of 'module:dry-doubt:001_tidies', which may remove it"),
        "{reason}"
    );
    assert_eq!(of(&report, "002_unique").operations[0].prediction, Some(Prediction::WouldFail));
    assert!(matches!(of(&report, "003_other").outcome, Outcome::WouldFail));
}
