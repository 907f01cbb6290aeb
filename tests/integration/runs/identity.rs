//! A run is known by the token of its lease.

use futures_util::FutureExt;
use mongodb::bson::doc;
use mongrate::events::Event;
use mongrate::{Error, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, migrator, step, tell, told, untell};

#[migration(id = "001_step", source = "module:runs-identity", down = undo)]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "done").await?;
    anyhow::ensure!(!told(tx, "fail").await?, "told to");
    Ok(())
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undone").await?)
}

#[tokio::test]
async fn events_reports_and_history_have_the_token_of_the_run() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-identity").build().unwrap();
    let mut events = migrator.events();
    tell(&db, "fail").await;
    let error = migrator.up().await.unwrap_err();
    untell(&db, "fail").await;
    let mut tokens = vec![error.report().unwrap().token().unwrap()];
    tokens.push(migrator.up().await.unwrap().token().unwrap());
    tokens.push(migrator.mark_pending(["module:runs-identity:001_step"]).await.unwrap().token().unwrap());
    tokens.push(migrator.up().await.unwrap().token().unwrap());
    tokens.push(migrator.down().await.unwrap().token().unwrap());
    assert!(tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
    for token in &tokens {
        assert!(count(&db, "migrations_history", doc! { "token": token }).await >= 1, "{token}");
        let acquired = events.next().await;
        assert!(matches!(&acquired, Some(Event::Acquired { token: first }) if first == token), "{acquired:?}");
        loop {
            if let Event::Ended { token: last } = events.next().await.unwrap() {
                assert_eq!(last, Some(*token));
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_run_without_the_lease_has_no_token() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:runs-identity").build().unwrap();
    let mut events = migrator.events();
    let report = migrator.up().dry_run(true).await.unwrap();
    assert_eq!((report.executions().count(), report.token()), (1, None));
    assert!(events.next().now_or_never().is_none());

    migrator.up().await.unwrap();
    while !matches!(events.next().await.unwrap(), Event::Ended { token: Some(_) }) {}
    assert_eq!(migrator.up().await.unwrap().token(), None);
    assert!(events.next().now_or_never().is_none());

    migrator.shutdown().await;
    let error = migrator.down().await.unwrap_err();
    assert!(matches!(&error, Error::Interrupted { report } if report.token().is_none()), "{error}");
}
