//! `verify`: a postcondition, a way to resolve doubts, and a way to detect a baseline.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::history::Act;
use mongrate::migrator::{Detected, Verdict};
use mongrate::report::{Execution, Outcome, Remains};
use mongrate::{Effect, Error, Migrator, Report, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{
    collections, count, documents, fingerprint, history, lease_is_free, migrator, record, status, tell, untell,
};

const TX: &str = "module:verify:001_tx";
const RAW: &str = "module:verify:002_raw";
const INDEX: &str = "module:verify:003_index";
const PLAIN: &str = "module:verify:004_plain";

#[migration(id = "001_tx", source = "module:verify", verify = tx_has_run)]
async fn tx(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "by": TX }).await.map(drop)
}

async fn tx_has_run(db: &Database) -> Result<Effect, anyhow::Error> {
    assert!(!is_told(db, "panic").await, "told to panic");
    anyhow::ensure!(!is_told(db, "error").await, "cannot tell");
    Ok(found(count(db, "effects", doc! { "by": TX }).await > 0 && !is_told(db, "no tx").await))
}

fn found(effect: bool) -> Effect {
    if effect { Effect::Present } else { Effect::Absent }
}

#[migration(id = "002_raw", source = "module:verify", deps = ["module:verify:001_tx"], verify = raw_has_run)]
async fn raw(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection::<Document>("effects").insert_one(doc! { "by": RAW }).await.map(drop)
}

/// Without a `Result`.
async fn raw_has_run(db: &Database) -> Effect {
    found(count(db, "effects", doc! { "by": RAW }).await > 0 && !is_told(db, "no raw").await)
}

#[migration(id = "003_index", source = "module:verify", verify = index_is_there)]
async fn index(schema: &mut Schema) -> Result<(), Error> {
    schema.create_index("effects", doc! { "by": 1 }).named("by").await
}

async fn index_is_there(db: &Database) -> Result<bool, mongodb::error::Error> {
    Ok(db.collection::<Document>("effects").list_index_names().await?.contains(&"by".to_owned()))
}

#[migration(id = "004_plain", source = "module:verify")]
async fn plain(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "by": PLAIN }).await.map(drop)
}

async fn is_told(db: &Database, what: &str) -> bool {
    count(db, "told", doc! { "_id": what }).await > 0
}

async fn fresh() -> (TestDb, Migrator) {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:verify").build().unwrap();
    (db, migrator)
}

fn applied(report: &Report) -> Vec<(&str, u32)> {
    report.applied().map(|Execution { id, attempts, .. }| (id.as_str(), *attempts)).collect()
}

#[tokio::test]
async fn a_verified_migration_is_applied() {
    let (db, migrator) = fresh().await;
    let report = migrator.up().await.unwrap();
    assert_eq!(applied(&report), [(TX, 1), (RAW, 1), (INDEX, 1), (PLAIN, 1)]);
    assert!(record(&db, TX).await.unwrap().get("verificationFailed").is_none());
    assert!(migrator.validate().await.unwrap().is_valid());
}

/// `verify` is called after the commit, so the migration stays applied and is not applied twice.
#[tokio::test]
async fn i1_a_transaction_that_fails_to_verify_is_not_run_again() {
    for (what, cause) in
        [("no tx", ""), ("error", ": cannot tell"), ("panic", ": the migration panicked: told to panic")]
    {
        let (db, migrator) = fresh().await;
        tell(&db, what).await;
        let error = migrator.up().await.unwrap_err();
        println!("{error}");
        let Error::Failed { id, remains: Remains::All, source, report, .. } = &error else { panic!("{error}") };
        assert_eq!(id, TX);
        assert!(matches!(source.downcast_ref(), Some(Error::VerificationFailed { .. })), "{source}");
        let expected = format!("it ran, but its `verify` function reports that the effect is missing{cause}");
        assert_eq!(source.to_string(), expected);
        assert_eq!(report.not_run().len(), 3);
        let stored = record(&db, TX).await.unwrap();
        assert_eq!(stored.get_str("status").unwrap(), "completed");
        assert!(stored.get_bool("verificationFailed").unwrap());
        assert_eq!(stored.get_str("error").unwrap(), expected);
        assert_eq!(history(&db, TX).await, ["completed", "failed"]);
        assert_eq!(migrator.history().limit(1).await.unwrap().entries[0].act, Act::Verify);
        assert_eq!(migrator.statistics().await.unwrap()[0].count, 1);
        assert!(lease_is_free(&db).await);

        untell(&db, what).await;
        let report = migrator.up().await.unwrap();
        println!("{report}");
        assert!(report.warnings().iter().any(|warning| warning.contains(TX)), "{report}");
        assert_eq!(count(&db, "effects", doc! { "by": TX }).await, 1);
        assert!(!migrator.validate().await.unwrap().is_valid());
        migrator.accept(TX).because("looked at it").await.unwrap();
        assert!(migrator.validate().await.unwrap().is_valid());
    }
}

/// Outside transactions it is a failure like any other, and runs again.
#[tokio::test]
async fn a_body_outside_a_transaction_that_fails_to_verify_has_failed() {
    let (db, migrator) = fresh().await;
    tell(&db, "no raw").await;
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    let Error::Failed { id, remains: Remains::Repeatable, .. } = &error else { panic!("{error}") };
    assert_eq!(id, RAW);
    assert_eq!(status(&db, RAW).await, "failed");
    assert_eq!(history(&db, RAW).await, ["failed"]);
    untell(&db, "no raw").await;
    assert_eq!(applied(&migrator.up().await.unwrap())[0], (RAW, 1));
    assert_eq!(count(&db, "effects", doc! { "by": RAW }).await, 2);
}

/// As a process leaves it that dies before it could write the record.
async fn interrupted(db: &TestDb, id: &str) {
    let records = db.collection::<Document>("migrations");
    records.update_one(doc! { "_id": id }, doc! { "$set": { "status": "running" } }).await.unwrap();
}

#[tokio::test]
async fn an_interrupted_migration_that_took_effect_does_not_run_again() {
    let (db, migrator) = fresh().await;
    migrator.up().await.unwrap();
    interrupted(&db, RAW).await;
    interrupted(&db, INDEX).await;
    db.collection::<Document>("effects").drop_index("by").await.unwrap();
    let report = migrator.up().await.unwrap();
    println!("{report}");
    assert_eq!(applied(&report), [(RAW, 0), (INDEX, 1)]);
    assert!(matches!(report.executions().next().unwrap().outcome, Outcome::Applied));
    assert_eq!(count(&db, "effects", doc! { "by": RAW }).await, 1);
    assert!(index_is_there(&db).await.unwrap());
    assert_eq!(history(&db, RAW).await, ["completed", "running", "completed"]);
    assert_eq!(status(&db, RAW).await, "completed");
}

/// In doubt it runs: what runs outside transactions can be repeated.
#[tokio::test]
async fn an_interrupted_migration_without_effect_runs_again() {
    let (db, migrator) = fresh().await;
    migrator.up().await.unwrap();
    interrupted(&db, RAW).await;
    db.collection::<Document>("effects").delete_many(doc! { "by": RAW }).await.unwrap();
    assert_eq!(applied(&migrator.up().await.unwrap()), [(RAW, 1)]);
    assert_eq!(count(&db, "effects", doc! { "by": RAW }).await, 1);
}

#[tokio::test]
async fn i4_detect_reads_an_unmanaged_database() {
    let (db, migrator) = fresh().await;
    let nowhere = migrator.detect().await.unwrap();
    println!("{nowhere}");
    assert_eq!(nowhere.baseline(), None);
    assert!(collections(&db).await.is_empty());

    // As somebody has made it by hand: the first two.
    let effects = db.collection::<Document>("effects");
    effects.insert_many([doc! { "by": TX }, doc! { "by": RAW }]).await.unwrap();
    let before = fingerprint(&db).await;
    let detected = migrator.detect().await.unwrap();
    println!("{detected}");
    let verdicts: Vec<_> =
        detected.verdicts().iter().map(|(migration, verdict)| (migration.id(), verdict.clone())).collect();
    let expected =
        [(TX, Verdict::InEffect), (RAW, Verdict::InEffect), (INDEX, Verdict::NotInEffect), (PLAIN, Verdict::Undecided)];
    assert_eq!(verdicts, expected);
    assert_eq!(fingerprint(&db).await, before);

    migrator.baseline(detected.baseline().unwrap()).by("ana").await.unwrap();
    let report = migrator.up().await.unwrap();
    assert_eq!(applied(&report), [(INDEX, 1), (PLAIN, 1)]);
    assert_eq!(documents(&db, "effects").await.len(), 3);
    assert_eq!(migrator.detect().await.unwrap().verdicts()[0].1, Verdict::Recorded);
}

#[tokio::test]
async fn detect_reports_contradictions() {
    let (db, migrator) = fresh().await;
    let effects = db.collection::<Document>("effects");
    effects.insert_one(doc! { "by": RAW }).await.unwrap();
    tell(&db, "error").await;
    let detected = migrator.detect().await.unwrap();
    println!("{detected}");
    assert_eq!(detected.verdicts()[0].1, Verdict::Failed { error: "cannot tell".to_owned() });
    assert_eq!(detected.baseline(), None);
    assert_eq!(detected.contradictions().map(|migration| migration.id()).collect::<Vec<_>>(), [RAW]);
    let text = detected.to_string();
    let told: Vec<_> = text.lines().skip(detected.verdicts().len()).collect();
    assert_eq!(
        told,
        [
            format!("'{RAW}' is in effect, but the earlier '{TX}' could not be verified. Check it by hand."),
            format!("There is no baseline: nothing before '{TX}' is in effect but not recorded."),
        ]
    );

    untell(&db, "error").await;
    let text = migrator.detect().await.unwrap().to_string();
    assert!(text.contains(&format!("but the earlier '{TX}' is not. Check")), "{text}");
    assert!(!text.contains("Nothing is in effect"), "{text}");
}

const POSTCONDITION: &str = "module:verify-bool:001_raw";
const UNDECIDED: &str = "module:verify-bool:002_undecided";
const EVIDENT: &str = "module:verify-bool:003_evident";

#[migration(id = "001_raw", source = "module:verify-bool", verify = nothing_is_missing)]
async fn with_postcondition(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection::<Document>("effects").insert_one(doc! { "by": POSTCONDITION }).await.map(drop)
}

/// True of a fresh database, too.
async fn nothing_is_missing(db: &Database) -> bool {
    count(db, "effects", doc! { "missing": true }).await == 0
}

#[migration(id = "002_undecided", source = "module:verify-bool", verify = undecided)]
async fn undecided_body(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "by": UNDECIDED }).await.map(drop)
}

async fn undecided(_: &Database) -> Effect {
    Effect::Undecided
}

#[migration(id = "003_evident", source = "module:verify-bool", verify = evident)]
async fn evident_body(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "by": EVIDENT }).await.map(drop)
}

async fn evident(db: &Database) -> Result<Effect, mongodb::error::Error> {
    Ok(found(count(db, "effects", doc! { "by": EVIDENT }).await > 0))
}

#[tokio::test]
async fn a_postcondition_passes_after_a_body_and_is_no_evidence() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:verify-bool").build().unwrap();
    let verdicts =
        |detected: &Detected| detected.verdicts().iter().map(|(_, verdict)| verdict.clone()).collect::<Vec<_>>();
    let fresh = migrator.detect().await.unwrap();
    assert_eq!(verdicts(&fresh), [Verdict::Undecided, Verdict::Undecided, Verdict::NotInEffect]);
    assert_eq!(applied(&migrator.up().await.unwrap()), [(POSTCONDITION, 1), (UNDECIDED, 1), (EVIDENT, 1)]);

    // After a crash, only evidence stands in for the body.
    interrupted(&db, POSTCONDITION).await;
    assert_eq!(applied(&migrator.up().await.unwrap()), [(POSTCONDITION, 1)]);
    assert_eq!(count(&db, "effects", doc! { "by": POSTCONDITION }).await, 2);

    db.collection::<Document>("effects").insert_one(doc! { "missing": true }).await.unwrap();
    interrupted(&db, POSTCONDITION).await;
    let error = migrator.up().await.unwrap_err();
    assert!(error.to_string().contains("its `verify` function reports that the effect is missing"), "{error}");
}

#[tokio::test]
async fn a_baseline_ends_before_the_first_undecided_migration() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:verify-bool").build().unwrap();
    db.collection::<Document>("effects").insert_one(doc! { "by": EVIDENT }).await.unwrap();
    let detected = migrator.detect().await.unwrap();
    println!("{detected}");
    assert_eq!(detected.baseline(), None);
    assert_eq!(detected.undecided().map(|migration| migration.id()).collect::<Vec<_>>(), [POSTCONDITION, UNDECIDED]);
    let text = detected.to_string();
    assert!(
        text.contains(&format!("'{POSTCONDITION}' is undecided, although the later '{EVIDENT}' is in effect")),
        "{text}"
    );
    assert!(
        text.ends_with(&format!(
            "There is no baseline: nothing before '{POSTCONDITION}' is in effect but not recorded."
        ))
    );

    let assumed = detected.assuming_undecided();
    assert_eq!(assumed.baseline(), Some(EVIDENT));
    assert!(assumed.to_string().ends_with(&format!("The baseline is '{EVIDENT}'.")), "{assumed}");
}
