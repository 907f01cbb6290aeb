//! Server faults during a transaction, and whether the body runs again.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongrate::{Error, Migrator, Registry, Report, Tx, migration};
use mongrate_tests::{FailPoint, Lost, Proxy, Strike, TestDb, eventually, sabotage, servers};

use super::count;

/// The result of a run with a fault.
#[derive(Debug)]
struct Run {
    result: Result<Report, Error>,
    /// Number of executions of the body.
    bodies: u32,
    /// Number of effects.
    effects: u64,
}

/// Defines a test with its own migration, which counts the executions of its body: `name, source, fault, |run| checks`.
macro_rules! under_fault {
    ($(#[$doc:meta])* $name:ident, $source:literal, $fault:expr, |$run:ident| $checks:expr) => {
        mod $name {
            use super::*;

            static BODIES: AtomicU32 = AtomicU32::new(0);

            #[migration(id = "001_insert", source = $source)]
            async fn insert(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
                BODIES.fetch_add(1, Relaxed);
                tx.collection::<Document>("effects").insert_one(doc! {}).await?;
                Ok(())
            }

            $(#[$doc])*
            #[tokio::test]
            async fn test() {
                let $run = run($source, $fault, &BODIES).await;
                $checks
            }
        }
    };
}

/// The fault.
enum Fault {
    /// A fail point of the server, with a count. A server has one at a time.
    Point(i32, Document),
    /// Commands that are lost, or whose replies are.
    Lost(Lost, Strike),
}

/// Runs the migration of a source with the fault, and then, if it is still pending, without.
async fn run(source: &str, fault: Fault, bodies: &AtomicU32) -> Run {
    let db = TestDb::new().await;
    let migrator = |database| Migrator::builder(database).registry(Registry::linked().source(source)).build().unwrap();
    let result = match fault {
        Fault::Point(times, mut data) => {
            if data.get_array("failCommands").is_ok_and(|commands| commands.contains(&"insert".into())) {
                data.insert("namespace", format!("{}.effects", db.name()));
            }
            let _fail_point = FailPoint::times(times, &db, data).await;
            migrator(db.database().clone()).up().await
        }
        Fault::Lost(lost, strike) => {
            let proxy = Proxy::to(servers::replica_set().await.members()[0].port(), strike, lost).await;
            let client = Client::with_uri_str(proxy.uri()).await.unwrap();
            migrator(client.database(db.name())).up().await
        }
    };
    let run = Run { result, bodies: bodies.load(Relaxed), effects: count(&db, "effects", doc! {}).await };
    let migrator = migrator(db.database().clone());
    assert!(migrator.status().await.unwrap().holder().is_none(), "the lease is still held: {run:?}");
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "effects", doc! {}).await, 1, "{run:?}");
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "status": "completed" }).await, 1, "{run:?}");
    run
}

impl Run {
    /// Asserts that the migration is applied once, and that the report has the number of executions.
    fn assert_applied(&self, bodies: u32) {
        let report = self.result.as_ref().unwrap_or_else(|error| panic!("{error}: {self:?}"));
        let execution = report.applied().next().unwrap();
        assert_eq!((self.bodies, execution.attempts, self.effects), (bodies, bodies, 1), "{report}");
    }
}

fn transient(times: i32, command: &str, code: i32) -> Fault {
    Fault::Point(
        times,
        doc! { "failCommands": [command], "errorCode": code, "errorLabels": ["TransientTransactionError"] },
    )
}

fn commit(times: i32, mut data: Document) -> Fault {
    data.insert("failCommands", vec!["commitTransaction"]);
    Fault::Point(times, data)
}

fn lost_commits(lost: Lost, times: usize) -> Fault {
    Fault::Lost(lost, Strike::Named("commitTransaction", 1..=times))
}

under_fault!(i1_write_conflict, "module:conflict", transient(1, "insert", 112), |run| run.assert_applied(2));
under_fault!(i1_many_write_conflicts, "module:conflicts", transient(4, "insert", 112), |run| run.assert_applied(5));
under_fault!(i1_forgotten_transaction, "module:forgotten", transient(3, "insert", 251), |run| run.assert_applied(4));
under_fault!(
    /// The run ends, and reports the number of attempts.
    endless_write_conflicts, "module:endless", transient(1000, "insert", 112), |run| {
    let error = run.result.unwrap_err();
    let Error::Failed { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(source.downcast_ref(), Some(Error::TransactionAborted { attempts: 10, .. })), "{error:?}");
    assert_eq!((run.bodies, run.effects), (10, 0));
});
under_fault!(
    i1_connection_lost_in_a_body,
    "module:body_lost",
    Fault::Lost(Lost::Reply, Strike::Named("insert", 1..=1)),
    |run| run.assert_applied(2)
);
under_fault!(i1_commit_rolled_back, "module:back", transient(1, "commitTransaction", 251), |run| run.assert_applied(2));
under_fault!(
    /// After a long pause of the primary, the server may have forgotten the transaction, and returns an error without a label. The
    /// commit was not applied.
    i1_commit_of_a_forgotten_transaction, "module:back-unlabelled",
    commit(1, doc! { "errorCode": 251, "errorLabels": [] }), |run| run.assert_applied(2));
under_fault!(i1_commit_lost_once, "module:lost_1", lost_commits(Lost::Request, 1), |run| run.assert_applied(1));
under_fault!(i1_commit_lost_three_times, "module:lost_3", lost_commits(Lost::Request, 3), |run| run.assert_applied(1));
under_fault!(i1_commit_lost_seven_times, "module:lost_7", lost_commits(Lost::Request, 7), |run| run.assert_applied(1));
under_fault!(
    /// Lost more often than it is retried. The fence settles that it was not applied, and the body runs again.
    i1_commit_lost_too_often, "module:lost_20", lost_commits(Lost::Request, 20), |run| run.assert_applied(2));
under_fault!(i1_commit_reply_lost_once, "module:unheard_1", lost_commits(Lost::Reply, 1), |run| run.assert_applied(1));
under_fault!(i1_commit_reply_lost_three_times, "module:unheard_3", lost_commits(Lost::Reply, 3), |run| {
    run.assert_applied(1);
});
under_fault!(
    /// Applied, but the reply is an error because the member was about to shut down.
    i1_commit_in_doubt, "module:doubt",
    commit(1, doc! { "writeConcernError": { "code": 91, "errmsg": "shutting down" } }), |run| run.assert_applied(1));
under_fault!(
    /// Not retried. The fence settles that it was not applied.
    i1_commit_out_of_time, "module:time", commit(1, doc! { "errorCode": 50 }), |run| run.assert_applied(2));
under_fault!(
    /// Not retried. The fence settles that it was applied.
    i1_commit_out_of_time_for_the_majority, "module:majority",
    commit(20, doc! { "writeConcernError": { "code": 50, "errmsg": "time is up" } }), |run| run.assert_applied(1));
under_fault!(
    /// An error that the driver does not classify. It was applied.
    i1_commit_with_another_error, "module:concern",
    commit(1, doc! { "writeConcernError": { "code": 100, "errmsg": "not enough members" } }),
    |run| run.assert_applied(1));
under_fault!(
    /// The operation was killed (11601). It was not applied.
    i6_commit_killed, "module:killed", commit(1, doc! { "errorCode": 11601 }), |run| {
    let error = run.result.unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    assert_eq!((run.bodies, run.effects), (1, 0));
});

#[migration(id = "001_insert", source = "module:together")]
async fn insert(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! {}).await?;
    Ok(())
}

/// The commit is applied, and its client keeps asking for the result. A reader always finds both the effect and its record, and
/// never one without the other.
async fn together(lost: usize) {
    let db = TestDb::new().await;
    let port = servers::replica_set().await.members()[0].port();
    let proxy = Proxy::to(port, Strike::Named("commitTransaction", 1..=lost), Lost::Reply).await;
    let uri = sabotage::uri(&format!("{}&appName={}", proxy.uri(), db.app_name())).await;
    // The replies to all but the first commit are delayed.
    let slow = doc! {
        "failCommands": ["commitTransaction"], "appName": db.app_name(), "blockConnection": true, "blockTimeMS": 1_000,
    };
    let _fail_point = FailPoint::named("failCommand", doc! { "skip": 1 }, db.uri(), slow).await;
    let database = Client::with_uri_str(uri).await.unwrap().database(db.name());
    let migrator = Migrator::builder(database).registry(Registry::linked().source("module:together")).build().unwrap();
    let run = tokio::spawn(migrator.up().into_future());
    eventually("the effect", async || (count(&db, "effects", doc! {}).await == 1).then_some(())).await;
    let recorded = count(&db, "migrations", doc! { "status": "completed" }).await;
    assert!(!run.is_finished());
    println!("{lost} replies to the commit lost: 1 effect, {recorded} record, and the client does not know yet");
    assert_eq!(recorded, 1, "an effect without its record");

    let report = run.await.unwrap().unwrap();
    assert_eq!(report.applied().next().unwrap().attempts, 1, "{report}");
    assert_eq!(count(&db, "effects", doc! {}).await, 1);
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "status": "completed" }).await, 1);
}

#[tokio::test]
async fn i1_commit_reply_lost_once_effect_and_record_together() {
    together(1).await;
}

#[tokio::test]
async fn i1_commit_reply_lost_three_times_effect_and_record_together() {
    together(3).await;
}

#[migration(id = "001_fail", source = "module:failing")]
async fn fail(_: &mut Tx) -> Result<(), Error> {
    Err(Error::Refused("as it should".to_owned()))
}

/// A failure is recorded once even if the reply to that commit is lost, and the run returns the error of the body.
#[tokio::test]
async fn i6_a_failure_is_recorded_once() {
    let db = TestDb::new().await;
    let in_doubt = doc! { "writeConcernError": { "code": 50, "errmsg": "time is up" } };
    let Fault::Point(times, data) = commit(1, in_doubt) else { unreachable!() };
    let _fail_point = FailPoint::times(times, &db, data).await;
    let registry = Registry::linked().source("module:failing");
    let error = Migrator::builder(db.database().clone()).registry(registry).build().unwrap().up().await.unwrap_err();
    assert!(error.to_string().contains("as it should"), "{error}");
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "status": "failed" }).await, 1);
    assert_eq!(count(&db, "migrations", doc! { "status": "failed", "error": "as it should" }).await, 1);
}
