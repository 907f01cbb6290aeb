//! The number of concurrent databases.

use std::sync::atomic::{AtomicUsize, Ordering};

use mongrate::{Error, Tx, migration};
use mongrate_tests::stored::{step, steps};
use mongrate_tests::{Gate, TestDb};

use super::{existing, for_each};

static RUN: Gate = Gate::new();
static GO: Gate = Gate::new();
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[migration(id = "001_meets", source = "module:tenants-bounds")]
async fn meets(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let now = NOW.fetch_add(1, Ordering::SeqCst) + 1;
    MOST.fetch_max(now, Ordering::SeqCst);
    step(tx, "met").await?;
    RUN.open();
    GO.pass().await;
    NOW.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}

#[tokio::test]
async fn concurrency_is_limited() {
    const AT_A_TIME: usize = 3;
    let db = TestDb::new().await;
    let tenants = existing(&db, ["a", "b", "c", "d", "e", "f", "g"]).await;
    let _ = db.commands().take();
    let run = tokio::spawn(for_each(&db, "module:tenants-bounds").concurrency(AT_A_TIME).into_future());
    for _ in 0..AT_A_TIME {
        RUN.pass().await;
    }
    // The others have not even been looked at, although these are far on their way.
    assert_eq!(db.commands().count().get("hello"), Some(&AT_A_TIME));
    for _ in AT_A_TIME..tenants.len() {
        GO.open();
        RUN.pass().await;
    }
    for _ in 0..AT_A_TIME {
        GO.open();
    }
    run.await.unwrap().unwrap().into_result().unwrap();
    assert_eq!(MOST.load(Ordering::SeqCst), AT_A_TIME);
    for tenant in &tenants {
        assert_eq!(steps(tenant).await, ["met"]);
    }
}

#[tokio::test]
async fn a_concurrency_of_zero_is_refused() {
    let db = TestDb::new().await;
    let [ana] = existing(&db, ["ana"]).await;
    let error = for_each(&db, "module:tenants").concurrency(0).await.unwrap_err();
    assert!(matches!(error, Error::InvalidOption { option: "concurrency", .. }), "{error}");
    assert!(steps(&ana).await.is_empty());
}
