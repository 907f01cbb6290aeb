//! Runs that are limited to a confirmed plan.

use mongrate::{Error, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{migrator, status, step, steps};

const FIRST: &str = "module:runs-limited:001_first";
const SECOND: &str = "module:runs-limited:002_second";
const APART: &str = "module:runs-limited:003_apart";

#[migration(id = "001_first", source = "module:runs-limited")]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

#[migration(id = "002_second", source = "module:runs-limited", deps = ["module:runs-limited:001_first"])]
async fn second(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "second").await?)
}

#[migration(id = "003_apart", source = "module:runs-limited")]
async fn apart(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "apart").await?)
}

#[tokio::test]
async fn a_limited_run_applies_nothing_but_its_plan() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-limited").build().unwrap();
    migrator.mark_applied([FIRST, SECOND]).await.unwrap();
    let plan = migrator.plan().await.unwrap();
    assert_eq!(plan.len(), 1);
    migrator.mark_pending([FIRST, SECOND]).await.unwrap();
    assert_eq!(migrator.plan().await.unwrap().len(), 3);

    let up = migrator.up().limited_to(&plan);
    assert_eq!(up.clone().plan().await.unwrap().len(), 1);
    let report = up.clone().await.unwrap();
    assert_eq!(report.applied().map(|execution| execution.id.as_str()).collect::<Vec<_>>(), [APART]);
    assert_eq!(steps(&db).await, ["apart"]);
    // Again, there is nothing to do, though two are pending.
    assert!(up.await.unwrap().is_empty());
    assert_eq!(steps(&db).await, ["apart"]);
}

/// The plan was made while its dependency was applied.
#[tokio::test]
async fn i3_a_limited_run_does_not_precede_a_dependency() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-limited").build().unwrap();
    migrator.up().only(FIRST).await.unwrap();
    let plan = migrator.plan().await.unwrap();
    migrator.mark_pending([FIRST]).await.unwrap();

    let error = migrator.up().limited_to(&plan).await.unwrap_err();
    let Error::PlanChanged { migration: SECOND, dependency: FIRST } = error else { panic!("{error}") };
    assert_eq!(steps(&db).await, ["first"]);
    assert_eq!(status(&db, APART).await, "");
}
