//! Values of the application in bodies, and the progress of bodies with a raw handle.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::events::Event;
use mongrate::report::{Execution, Outcome};
use mongrate::{Error, MigratorBuilder, Raw, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, documents, lease_is_free, migrator, status};

const TX: &str = "module:provided:001_tx";
const SCHEMA: &str = "module:provided:002_schema";
const RAW: &str = "module:provided:003_raw";

struct Settings {
    role: &'static str,
}

/// The name of a collection.
struct Name(&'static str);

trait Mailer: Send + Sync {
    fn sender(&self) -> String;
}

struct Console;

impl Mailer for Console {
    fn sender(&self) -> String {
        "console".to_owned()
    }
}

#[migration(id = "001_tx", source = "module:provided", needs = [Settings], down = tx_down)]
async fn tx(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let settings = tx.provided::<Settings>()?;
    tx.collection::<Document>("effects").insert_one(doc! { "_id": "tx", "role": settings.role }).await?;
    Ok(())
}

async fn tx_down(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let settings = tx.provided::<Settings>()?;
    tx.collection::<Document>("effects").insert_one(doc! { "_id": "tx down", "role": settings.role }).await?;
    Ok(())
}

#[migration(id = "002_schema", source = "module:provided", needs = [Name])]
async fn schema(schema: &mut Schema) -> Result<(), Error> {
    let name = schema.provided::<Name>()?;
    schema.create_collection(name.0).await
}

#[migration(id = "003_raw", source = "module:provided", needs = [Arc<dyn Mailer>])]
async fn raw(db: &Raw) -> Result<(), anyhow::Error> {
    let mailer = db.provided::<Arc<dyn Mailer>>()?;
    db.collection::<Document>("effects").insert_one(doc! { "_id": "raw", "sender": mailer.sender() }).await?;
    Ok(())
}

/// Undeclared.
#[migration(id = "001_undeclared", source = "module:undeclared")]
async fn undeclared(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "_id": "undeclared" }).await?;
    let settings = tx.provided::<Settings>()?;
    tx.collection::<Document>("effects").insert_one(doc! { "_id": settings.role }).await?;
    Ok(())
}

#[migration(id = "001_long", source = "module:progress")]
async fn long(db: &Raw) -> Result<(), anyhow::Error> {
    for done in 0..=10_000 {
        db.report_progress(done, 10_000);
    }
    db.report_progress(1, None);
    db.run_command(doc! { "ping": 1 }).await?;
    Ok(())
}

fn all(builder: MigratorBuilder, role: &'static str, name: &'static str) -> MigratorBuilder {
    builder.provide(Settings { role }).provide(Name(name)).provide::<Arc<dyn Mailer>>(Arc::new(Console))
}

fn not_provided(error: &Error) -> Vec<(&'static str, &'static str)> {
    match error {
        Error::NotProvided { id, name } => vec![(id, name)],
        Error::Several { errors } => errors.iter().flat_map(not_provided).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bodies_get_the_values_of_their_migrator() {
    let (one, other) = (TestDb::new().await, TestDb::new().await);
    let migrators = [(&one, "member", "users"), (&other, "guest", "people")];
    for (db, role, name) in migrators {
        let migrator = all(migrator(db, "module:provided"), role, name).build().unwrap();
        migrator.up().await.unwrap();
        migrator.down().only(TX).await.unwrap();
        let mut effects = documents(db, "effects").await;
        effects.sort_by_key(|effect| effect.get_str("_id").unwrap().to_owned());
        let expected = [
            doc! { "_id": "raw", "sender": "console" },
            doc! { "_id": "tx", "role": role },
            doc! { "_id": "tx down", "role": role },
        ];
        assert_eq!(effects, expected);
        assert!(collections(db).await.contains(&name.to_owned()));
    }
}

#[tokio::test]
async fn a_missing_value_that_is_declared_is_reported_before_anything_is_written() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:provided").provide(Name("users")).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    let missing = not_provided(&error);
    assert_eq!(missing.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [TX, RAW]);
    assert!(missing[0].1.ends_with("::Settings") && missing[1].1.ends_with("Mailer>"), "{missing:?}");
    assert_eq!(error.code(), "several");
    assert_eq!(collections(&db).await, [""; 0]);

    // Nothing of what runs needs the others.
    let report = migrator.up().only(SCHEMA).await.unwrap();
    assert_eq!(report.applied().map(|execution| execution.id.as_str()).collect::<Vec<_>>(), [SCHEMA]);
}

#[tokio::test]
async fn a_missing_value_that_is_not_declared_fails_the_migration() {
    let db = TestDb::new().await;
    let error = migrator(&db, "module:undeclared").build().unwrap().up().await.unwrap_err();
    assert!(error.message().contains("needs a value of the type `"), "{error}");
    assert_eq!(count(&db, "effects", doc! {}).await, 0);
    assert_eq!(status(&db, "module:undeclared:001_undeclared").await, "failed");
    assert!(lease_is_free(&db).await);
}

#[tokio::test]
async fn a_type_is_provided_once() {
    let db = TestDb::new().await;
    let twice = |builder: MigratorBuilder| builder.provide(Name("a")).provide(Name("b"));
    let error = twice(migrator(&db, "module:provided")).build().unwrap_err();
    assert!(matches!(&error, Error::InvalidOption { option: "provide", .. }), "{error}");
    assert!(error.message().contains("called twice with a value of the type `"), "{error}");
    let builder = migrator(&db, "module:provided").provide_for_dry_run(Name("a")).provide_for_dry_run(Name("b"));
    let error = builder.build().unwrap_err();
    assert!(matches!(&error, Error::InvalidOption { option: "provide_for_dry_run", .. }), "{error}");
}

/// The values of real runs never reach a dry run.
#[tokio::test]
async fn a_dry_run_has_values_of_its_own() {
    let db = TestDb::new().await;
    let builder = all(migrator(&db, "module:provided"), "member", "users").provide_for_dry_run(Name("users"));
    let report = builder.build().unwrap().up().dry_run(true).await.unwrap();
    let outcomes: Vec<_> = report.executions().map(|Execution { id, outcome, .. }| (id.as_str(), outcome)).collect();
    let [(TX, Outcome::NotSimulated { reason }), (SCHEMA, Outcome::WouldApply), (RAW, Outcome::NotSimulated { .. })] =
        outcomes.as_slice()
    else {
        panic!("{outcomes:?}")
    };
    assert!(reason.contains("Settings`, and none is provided for dry runs"), "{reason}");
    assert_eq!(collections(&db).await, [""; 0]);

    let builder = migrator(&db, "module:undeclared").provide(Settings { role: "member" });
    let report = builder.build().unwrap().up().dry_run(true).await.unwrap();
    let Outcome::NotSimulated { reason } = &report.executions().next().unwrap().outcome else { panic!("{report}") };
    assert!(reason.contains("none is provided for dry runs"), "{reason}");
    let builder = migrator(&db, "module:undeclared").provide_for_dry_run(Settings { role: "member" });
    let report = builder.build().unwrap().up().dry_run(true).await.unwrap();
    assert!(matches!(report.executions().next().unwrap().outcome, Outcome::WouldApply), "{report}");
}

/// However often a body reports.
#[tokio::test]
async fn progress_is_reported_at_most_twice_a_second_and_at_the_end() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:progress").build().unwrap();
    let mut events = migrator.events();
    let report = migrator.up().await.unwrap();
    let took = report.applied().next().unwrap().duration;
    drop(migrator);
    let mut reported = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Progress { done, total, .. } = event {
            reported.push((done, total));
        }
    }
    assert_eq!(reported.first(), Some(&(0, Some(10_000))));
    assert!(reported.contains(&(10_000, Some(10_000))), "{reported:?}");
    assert!(reported.len() <= 3 + took.as_millis() as usize / Duration::from_millis(500).as_millis() as usize);
}
