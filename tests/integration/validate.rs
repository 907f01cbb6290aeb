//! Validation of the records against the linked-in migrations.

use mongodb::bson::{Document, doc};
use mongrate::migrator::Problem;
use mongrate::{Migrator, Schema, Tx, migration};
use mongrate_tests::stored::{collections, fingerprint, migrator, registry, tell, told};
use mongrate_tests::{Gate, TestDb};

const A: &str = "module:validate:001_a";
const B: &str = "module:validate:002_b";
const C: &str = "module:validate:003_c";

#[migration(id = "001_a", source = "module:validate")]
async fn a(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("things").insert_one(doc! {}).await?;
    Ok(())
}

#[migration(id = "002_b", source = "module:validate", deps = ["module:validate:001_a"])]
async fn b(tx: &mut Tx) -> Result<(), anyhow::Error> {
    anyhow::ensure!(!told(tx, "fail").await?, "told to");
    Ok(())
}

#[migration(id = "003_c", source = "module:validate", deps = ["module:validate:001_a"])]
async fn c(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("things", doc! { "a": 1 }).await
}

async fn set(db: &TestDb, id: &str, fields: Document) {
    let records = db.collection::<Document>("migrations");
    assert_eq!(records.update_one(doc! { "_id": id }, doc! { "$set": fields }).await.unwrap().matched_count, 1);
}

/// Its findings, and that looking for them wrote nothing (I4).
async fn findings(db: &TestDb, migrator: &Migrator) -> Vec<(String, Problem)> {
    let before = fingerprint(db).await;
    let _ = db.commands().take();
    let validation = migrator.validate().await.unwrap();
    let sent = db.commands().take();
    // The other reads happen only if a `Schema` migration left something.
    assert!(
        ["find", "find", "listCollections", "listIndexes"]
            .starts_with(&sent.iter().map(String::as_str).collect::<Vec<_>>())
    );
    assert!(sent.len() == 2 || sent.len() == 4, "{sent:?}");
    println!("{validation}");
    assert_eq!(fingerprint(db).await, before);
    assert_eq!(validation.is_valid(), validation.findings().is_empty());
    validation.findings().iter().map(|finding| (finding.id.clone(), finding.problem.clone())).collect()
}

#[tokio::test]
async fn i4_pending_and_applied_migrations_are_valid() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:validate").build().unwrap();
    assert_eq!(findings(&db, &migrator).await, []);
    assert!(collections(&db).await.is_empty());
    migrator.up().only(A).await.unwrap();
    assert_eq!(findings(&db, &migrator).await, []);
    migrator.up().await.unwrap();
    assert_eq!(migrator.validate().await.unwrap().to_string(), "3 migrations checked, no findings.");
}

#[tokio::test]
async fn every_problem_is_found() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:validate").build().unwrap();
    tell(&db, "fail").await;
    migrator.up().continue_on_error(true).await.unwrap_err();
    assert_eq!(
        findings(&db, &migrator).await,
        [(B.to_owned(), Problem::Failed { error: "told to".to_owned(), applied: false })]
    );

    // A hole below an applied one; a step that nobody is running; another algorithm; a change.
    set(&db, A, doc! { "status": "rolled-back" }).await;
    let hole = Problem::Missing { needed_by: vec![C.to_owned()] };
    assert_eq!(findings(&db, &migrator).await[0], (A.to_owned(), hole));
    set(&db, A, doc! { "status": "completed", "checksum": "t2:old" }).await;
    set(&db, B, doc! { "status": "running" }).await;
    set(&db, C, doc! { "checksum": "t9:newer" }).await;
    let found = findings(&db, &migrator).await;
    let Problem::Modified { recorded, linked, .. } = &found[0].1 else { panic!("{found:?}") };
    assert_eq!((recorded.as_str(), &linked[..3]), ("t2:old", "t2:"));
    assert_eq!(
        found[1..],
        [
            (B.to_owned(), Problem::Interrupted),
            (C.to_owned(), Problem::Unverifiable { recorded: "t9:newer".to_owned() }),
        ]
    );

    // Formatting changed the checksums of pre-releases, so that they say nothing.
    set(&db, C, doc! { "checksum": "t1:old" }).await;
    let of_a_pre_release = findings(&db, &migrator).await.pop().unwrap().1;
    assert_eq!(of_a_pre_release, Problem::Unverifiable { recorded: "t1:old".to_owned() });
    let text = of_a_pre_release.to_string();
    assert!(text.contains("was computed by a pre-release of Mongrate") && text.contains("`accept` it"), "{text}");

    set(&db, B, doc! { "partial": true }).await;
    assert_eq!(findings(&db, &migrator).await[1].1, Problem::PartiallyApplied);
    set(&db, C, doc! { "verificationFailed": true, "error": "no" }).await;
    assert!(
        findings(&db, &migrator)
            .await
            .contains(&(C.to_owned(), Problem::VerificationFailed { error: "no".to_owned() }))
    );

    let others =
        Migrator::builder(db.database().clone()).registry(registry(&["module:validate-busy"])).build().unwrap();
    let orphans = findings(&db, &others).await;
    assert_eq!(orphans, [A, B, C].map(|id| (id.to_owned(), Problem::Orphan)));
}

static RUNS: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_busy", source = "module:validate-busy")]
async fn busy(schema: &mut Schema) -> Result<(), mongrate::Error> {
    RUNS.open();
    GOES.pass().await;
    schema.create_collection("busy").await
}

/// A migration that is running is not interrupted.
#[tokio::test]
async fn a_running_migration_is_not_a_finding() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:validate-busy").build().unwrap();
    let run = tokio::spawn(migrator.up().into_future());
    RUNS.pass().await;
    assert_eq!(findings(&db, &migrator).await, []);
    GOES.open();
    run.await.unwrap().unwrap();
}
