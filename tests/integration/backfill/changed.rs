//! Backfills that are blocking, and backfills whose code changes while they are underway.

use std::future::IntoFuture;
use std::num::NonZeroU32;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::context::Pace;
use mongrate::migrator::{Booted, MigratorBuilder};
use mongrate::{Backfill, Error, Migrator, Registry, migration};
use mongrate_tests::stored::{count, record, status};
use mongrate_tests::{TestDb, eventually};

const ID: &str = "module:changed:001_change";
const DEPENDENT: &str = "module:changed:002_dependent";

/// The code of a program. Each counts in a field of its own.
#[derive(Clone, Copy)]
struct Code {
    collection: &'static str,
    field: &'static str,
    undo: &'static str,
    blocking: bool,
    /// Whether one of the documents fails.
    fails: bool,
}

const FORMER: Code = Code { collection: "things", field: "former", undo: "undone", blocking: false, fails: false };
const CHANGED: Code = Code { field: "changed", undo: "undone differently", ..FORMER };

#[migration(id = "001_change", source = "module:changed", down = undo)]
async fn change(backfill: &mut Backfill) -> Result<(), Error> {
    let code = *backfill.provided::<Code>()?;
    let mut documents =
        backfill.collection(code.collection).batch(NonZeroU32::new(400).unwrap()).skip_failed(3).repeatable();
    if code.blocking {
        documents = documents.blocking();
    }
    if code.fails {
        let undefined = doc! { "$divide": [1, { "$mod": ["$_id", 5_000] }] };
        return documents.update(vec![doc! { "$set": { code.field: 1, "undefined": undefined } }]).await;
    }
    let change = if code.field.is_empty() {
        Document::new()
    } else {
        doc! { "$inc": { code.field: 1 } }
    };
    documents.update(change).await
}

async fn undo(backfill: &mut Backfill) -> Result<(), Error> {
    let code = *backfill.provided::<Code>()?;
    let slowly = Pace::Rate(NonZeroU32::new(1_000).unwrap());
    backfill.collection(code.collection).pace(slowly).update(doc! { "$inc": { code.undo: 1 } }).await
}

#[migration(id = "002_dependent", source = "module:changed", deps = ["module:changed:001_change"])]
async fn dependent(backfill: &mut Backfill) -> Result<(), Error> {
    backfill.collection("things").blocking().update(doc! { "$inc": { "dependent": 1 } }).await
}

/// It is not blocking, and goes on after a boot.
#[migration(id = "003_slow", source = "module:changed", only_in = ["slow"])]
async fn slow(backfill: &mut Backfill) -> Result<(), Error> {
    let slowly = Pace::Rate(NonZeroU32::new(4_000).unwrap());
    backfill.collection("many").pace(slowly).update(doc! { "$inc": { "n": 1 } }).await
}

fn without_code(db: &TestDb) -> MigratorBuilder {
    let builder = Migrator::builder((**db).clone()).registry(Registry::linked().source("module:changed")).assume_new();
    builder.lease(Duration::from_secs(2)).lock_wait(Duration::from_secs(60))
}

fn migrator(db: &TestDb, code: Code) -> Migrator {
    without_code(db).provide(code).build().unwrap()
}

async fn boot(db: &TestDb, code: Code, variable: &str, value: &str) -> Result<Booted, Error> {
    without_code(db).provide(code).boot().variables(|name| (name == variable).then(|| value.to_owned())).await
}

/// Boots a program whose body of the backfill cannot be asked.
async fn boot_without_code(db: &TestDb) -> Result<Booted, Error> {
    without_code(db).boot().variables(|name| (name == "MONGRATE_BACKFILLS").then_some("off")).await
}

async fn filled() -> TestDb {
    filled_in(TestDb::new().await).await
}

async fn filled_in(db: TestDb) -> TestDb {
    let documents: Vec<_> = (0..12_000).map(|id| doc! { "_id": id }).collect();
    db.collection::<Document>("things").insert_many(documents).await.unwrap();
    db
}

/// Starts the backfill with the former code, without working on it.
async fn started() -> TestDb {
    let db = filled().await;
    migrator(&db, FORMER).up().only(ID).background(true).await.unwrap();
    db
}

async fn changed(db: &TestDb, field: &str) -> u64 {
    count(db, "things", doc! { field: 1 }).await
}

#[tokio::test]
async fn i1_a_backfill_goes_on_with_changed_code() {
    let db = started().await;
    let (former, other) = (migrator(&db, FORMER), migrator(&db, CHANGED));
    former.steer(ID).pace(Pace::Rate(NonZeroU32::new(4_000).unwrap())).await.unwrap();
    let working = tokio::spawn(former.up().only(ID).into_future());
    eventually("it has begun", async || (changed(&db, "former").await > 0).then_some(())).await;
    let report = other.up().only(ID).with_changed_code(true).by("ana").await.unwrap();
    println!("{report}");
    assert_eq!(report.applied().count(), 1);
    let left = working.await.unwrap().unwrap();
    println!("{left}");
    assert!(left.warnings().iter().any(|warning| warning.contains("describes another change")), "{left}");
    let by = (changed(&db, "former").await, changed(&db, "changed").await);
    let both = count(&db, "things", doc! { "former": { "$exists": true }, "changed": { "$exists": true } }).await;
    assert!(by.0 > 0 && by.1 > 0, "{by:?}");
    assert_eq!((by.0 + by.1, both, status(&db, ID).await.as_str()), (12_000, 0, "completed"));
    let steered = doc! { "act": "steer", "by": "ana", "steered": "goes on with changed code" };
    assert_eq!(count(&db, "migrations_history", steered).await, 1);
    assert_eq!(count(&db, "migrations_ranges", doc! {}).await, 0);
}

/// What was skipped is tried with the changed code, and each document is changed once.
#[tokio::test]
async fn i1_a_backfill_that_failed_goes_on_with_changed_code() {
    let db = filled().await;
    let failing = migrator(&db, Code { fails: true, ..FORMER });
    println!("{}", failing.up().only(ID).await.unwrap_err());
    assert_eq!(failing.skipped(ID).await.unwrap().len(), 3);
    let error = migrator(&db, CHANGED).up().only(ID).await.unwrap_err();
    assert!(error.to_string().contains("or continue it with changed code (`up ID --with-changed-code`)"), "{error}");
    // It is not named.
    migrator(&db, CHANGED).up().only(DEPENDENT).with_changed_code(true).await.unwrap_err();
    assert_eq!(changed(&db, "changed").await, 0);
    migrator(&db, CHANGED).up().only(ID).with_changed_code(true).await.unwrap();
    assert_eq!((changed(&db, "former").await, changed(&db, "changed").await), (11_997, 3));
    assert_eq!(status(&db, ID).await, "completed");
}

/// The record is left as it was, and the former code goes on.
#[tokio::test]
async fn i6_changed_code_that_is_refused_changes_nothing() {
    let db = started().await;
    for (code, told) in [
        (Code { collection: "others", ..FORMER }, "has begun to change 'things' and cannot go on with 'others'"),
        (Code { field: "", ..FORMER }, "does not start with an operator"),
    ] {
        let before = progress(&db).await;
        let error = migrator(&db, code).up().only(ID).with_changed_code(true).await.unwrap_err();
        println!("{error}");
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(progress(&db).await, before, "{error}");
    }
    migrator(&db, FORMER).up().only(ID).with_changed_code(true).await.unwrap();
    assert_eq!(changed(&db, "former").await, 12_000);

    // A `down` goes on with its own code only.
    let timed_out = migrator(&db, FORMER).down().only(ID).timeout(Duration::from_secs(1)).await.unwrap_err();
    println!("{timed_out}");
    let before = progress(&db).await;
    assert_eq!(before.get_str("direction").unwrap(), "down");
    let report = migrator(&db, CHANGED).up().only(ID).with_changed_code(true).background(true).await.unwrap();
    println!("{report}");
    assert_eq!(progress(&db).await, before);
    assert_eq!(changed(&db, "changed").await, 0);
}

/// A batch of the former code could be written after one of the changed code.
#[tokio::test]
async fn i1_changed_code_is_refused_on_a_standalone_server() {
    let db = filled_in(TestDb::standalone().await).await;
    migrator(&db, FORMER).up().only(ID).background(true).await.unwrap();
    let before = progress(&db).await;
    let error = migrator(&db, CHANGED).up().only(ID).with_changed_code(true).await.unwrap_err();
    println!("{error}");
    assert!(
        error.to_string().contains("a server without transactions does not keep batches of the former code"),
        "{error}"
    );
    assert_eq!(progress(&db).await, before);
    migrator(&db, FORMER).up().only(ID).await.unwrap();
    assert_eq!((changed(&db, "former").await, changed(&db, "changed").await), (12_000, 0));
}

/// What the record says of the backfill.
async fn progress(db: &TestDb) -> Document {
    let mut record = record(db, ID).await.unwrap();
    for of_attempt in ["token", "position"] {
        record.remove(of_attempt);
    }
    record
}

#[tokio::test]
async fn i6_a_boot_waits_for_a_blocking_backfill() {
    let (db, blocking) = (started().await, Code { blocking: true, ..FORMER });
    migrator(&db, blocking).steer(ID).pause().await.unwrap();
    for mode in ["background", "wait", "off"] {
        let error = boot(&db, blocking, "MONGRATE_BACKFILLS", mode).await.unwrap_err();
        assert!(matches!(&error, Error::Pending { ids } if ids == &[ID]), "{mode}: {error}");
    }
    assert_eq!(changed(&db, "former").await, 0);
    migrator(&db, blocking).steer(ID).resume().await.unwrap();
    boot(&db, blocking, "MONGRATE_BACKFILLS", "background").await.unwrap();
    assert_eq!((changed(&db, "former").await, status(&db, ID).await.as_str()), (12_000, "completed"));
    // It is blocking, too.
    assert_eq!((changed(&db, "dependent").await, status(&db, DEPENDENT).await.as_str()), (12_000, "completed"));
}

/// The blocking one waits for the other one.
#[tokio::test]
async fn i6_a_boot_waits_for_what_a_blocking_backfill_needs() {
    let db = filled().await;
    boot(&db, FORMER, "MONGRATE_BACKFILLS", "off").await.unwrap();
    assert_eq!((changed(&db, "former").await, changed(&db, "dependent").await), (12_000, 12_000));
}

/// A program that can neither complete it nor serve before says so.
#[tokio::test]
async fn i6_a_boot_does_not_serve_before_a_blocking_backfill() {
    let (db, blocking) = (started().await, Code { blocking: true, ..FORMER });
    for (code, variable, value) in [
        (blocking, "MONGRATE_AUTO", "false"),
        (Code { blocking: true, ..CHANGED }, "MONGRATE_BACKFILLS", "off"),
        // Another one that is blocking depends on it.
        (FORMER, "MONGRATE_AUTO", "false"),
    ] {
        let error = boot(&db, code, variable, value).await.unwrap_err();
        println!("{error}");
        assert!(matches!(error, Error::Pending { .. }), "{error}");
    }
    assert_eq!(changed(&db, "former").await, 0);
    // The body of this one cannot be asked, but that of its dependent can.
    let error = boot_without_code(&db).await.unwrap_err();
    assert!(error.to_string().contains("001_change"), "{error}");
}

/// It would be started again by the work in the background, and then for ever.
#[tokio::test]
async fn i1_a_boot_leaves_a_backfill_that_was_reverted_meanwhile() {
    let (db, blocking) = (started().await, Code { blocking: true, ..FORMER });
    migrator(&db, blocking).steer(ID).pace(Pace::Rate(NonZeroU32::new(1_000).unwrap())).await.unwrap();
    let many: Vec<_> = (0..12_000).map(|id| doc! { "_id": id }).collect();
    db.collection::<Document>("many").insert_many(many).await.unwrap();
    let boot = without_code(&db).provide(blocking).environment("slow").boot().variables(|_| None::<String>);
    let booting = tokio::spawn(boot.into_future());
    eventually("it has begun", async || (changed(&db, "former").await > 0).then_some(())).await;
    migrator(&db, blocking).down().only(ID).await.unwrap();
    let mut booted = booting.await.unwrap().unwrap();
    println!("{booted}");
    booted.backfilled().await;
    // In the background, it has worked on the other one.
    assert_eq!(count(&db, "many", doc! { "n": 1 }).await, 12_000);
    assert_eq!(status(&db, ID).await, "rolled-back");
    let undone = count(&db, "things", doc! { "undone": 1 }).await;
    assert!(undone > 0 && undone == changed(&db, "former").await, "{undone}");
}
