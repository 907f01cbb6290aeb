//! Servers that acknowledge no majority writes. Every limit and every signal still ends the run, and nothing is reported as applied
//! unless it is known to be.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongrate::report::Remains;
use mongrate::{Error, Migrator, MigratorBuilder, Registry, Report, Tx, migration};
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::crash::{ALL, EFFECTS};
use mongrate_tests::{Gate, TestDb, Worker, eventually, servers};

use super::{applied, assert_all_done, count, effects, ended, successor};

const FIRST: &str = "module:unacknowledged:001_first";
const SECOND: &str = "module:unacknowledged:002_second";

/// Guaranteed are 5 seconds; the rest is for a slow machine. Without a limit, a run would take more than a minute.
const WITHIN: Duration = Duration::from_secs(10);

/// A lease that is much longer than the test.
const LONG_LEASE_MS: &str = "600000";

#[migration(id = "001_first", source = "module:unacknowledged", down = undo)]
async fn first(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "of": FIRST }).await?;
    Ok(())
}

#[migration(id = "002_second", source = "module:unacknowledged")]
async fn second(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "of": SECOND }).await?;
    Ok(())
}

async fn undo(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("undone").insert_one(doc! { "of": FIRST }).await?;
    Ok(())
}

static IN_BODY: Gate = Gate::new();
static GO: Gate = Gate::new();

#[migration(id = "001_first", source = "module:unacknowledged-commit")]
async fn before(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "of": "before" }).await?;
    Ok(())
}

#[migration(id = "002_second", source = "module:unacknowledged-commit")]
async fn gated(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "of": "gated" }).await?;
    IN_BODY.open();
    GO.pass().await;
    Ok(())
}

#[migration(id = "003_third", source = "module:unacknowledged-commit")]
async fn after(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "of": "after" }).await?;
    Ok(())
}

fn builder(db: &TestDb, source: &str) -> MigratorBuilder {
    Migrator::builder(db.database().clone()).registry(Registry::linked().source(source))
}

/// Starts a primary, a secondary and an arbiter. Without the secondary, there is a primary, but no majority of data-bearing members.
async fn with_an_arbiter() -> (Mongod, usize) {
    let server = servers::builder().members(2).arbiter().start().await.unwrap();
    let secondary = 1 - server.primary().await.unwrap();
    (server, secondary)
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    Up,
    Down,
    MarkApplied,
}

impl Direction {
    const ALL: [Self; 3] = [Self::Up, Self::Down, Self::MarkApplied];

    async fn run(self, migrator: &Migrator) -> Result<Report, Error> {
        match self {
            Self::Up => migrator.up().await,
            Self::Down => migrator.down().await,
            Self::MarkApplied => migrator.mark_applied([SECOND]).await,
        }
    }

    /// Returns the number of effects of the migrations and of the `down`, and of completed records.
    async fn left(db: &TestDb) -> [u64; 3] {
        let completed = doc! { "status": "completed" };
        [
            count(db, "effects", doc! {}).await,
            count(db, "undone", doc! {}).await,
            count(db, "migrations", completed).await,
        ]
    }

    /// Returns the same numbers after one successful run.
    fn done(self) -> [u64; 3] {
        match self {
            Self::Up => [2, 0, 2],
            Self::Down => [1, 1, 0],
            Self::MarkApplied => [1, 0, 2],
        }
    }
}

/// Asserts that a run of this verb ends soon after its limit without an effect, then or later.
async fn ends_in_time(db: &TestDb, direction: Direction, migrator: &Migrator, limit: Duration) {
    let began = Instant::now();
    let error = direction.run(migrator).await.unwrap_err();
    let took = began.elapsed();
    println!("{direction:?} after {took:?}: {error}");
    assert!(took >= limit && took < limit + WITHIN, "{direction:?} took {took:?}");
    let Error::Unacknowledged { report, interrupted: false, .. } = &error else { panic!("{direction:?}: {error:?}") };
    assert!(report.is_empty(), "{direction:?}: {report}");
    for words in ["majority", "migration lock"] {
        assert!(error.to_string().contains(words), "{words} is not in: {error}");
    }
    // Nothing is running as far as the caller can see.
    let began = Instant::now();
    migrator.shutdown().await;
    assert!(began.elapsed() < WITHIN, "{direction:?}: shutting down took {:?}", began.elapsed());
    assert_eq!(count(db, "effects", doc! {}).await, 1, "{direction:?}");
}

/// The server continues: the lease is released without a further run, and the next run does everything once.
async fn goes_on(db: &TestDb, direction: Direction) {
    eventually("the lease to be free", async || {
        let held = doc! { "_id": "lease", "holder": { "$ne": null } };
        (count(db, "migrations_lock", held).await == 0).then_some(())
    })
    .await;
    assert_eq!(Direction::left(db).await, [1, 0, 1], "{direction:?}");
    direction.run(&builder(db, "module:unacknowledged").build().unwrap()).await.unwrap();
    assert_eq!(Direction::left(db).await, direction.done(), "{direction:?}");
}

/// Returns migrators with a time limit of the run, and of waiting for the lease.
fn limited(db: &TestDb) -> [(Migrator, Duration); 2] {
    let (by_timeout, by_waiting) = (Duration::from_secs(3), Duration::from_secs(2));
    [
        (builder(db, "module:unacknowledged").timeout(by_timeout).build().unwrap(), by_timeout),
        (builder(db, "module:unacknowledged").lock_wait(by_waiting).build().unwrap(), by_waiting),
    ]
}

#[tokio::test]
async fn i6_every_limit_ends_a_run_without_a_majority() {
    let (server, secondary) = with_an_arbiter().await;
    let mut dbs = Vec::new();
    for direction in Direction::ALL {
        for limit in 0..2 {
            let db = TestDb::on(&server).await;
            builder(&db, "module:unacknowledged").build().unwrap().up().only(FIRST).await.unwrap();
            dbs.push((db, direction, limit));
        }
    }
    let other = TestDb::on(&server).await;
    server.kill(secondary).unwrap();
    let runs = dbs.iter().map(async |(db, direction, limit)| {
        let (migrator, limit) = &limited(db)[*limit];
        ends_in_time(db, *direction, migrator, *limit).await;
    });
    let terminated = async {
        let mut worker = Worker::start(&["crash", other.uri(), other.name(), LONG_LEASE_MS]);
        eventually("the process to write the lock", async || {
            (other.collection::<Document>("migrations_lock").count_documents(doc! {}).await.unwrap() > 0).then_some(())
        })
        .await;
        terminate(&mut worker).await;
    };
    tokio::join!(futures_util::future::join_all(runs), terminated);

    server.restart(secondary).await.unwrap();
    for (db, direction, _) in &dbs {
        goes_on(db, *direction).await;
    }
    let successor = successor(&other).await;
    successor.force_unlock().await.unwrap();
    assert_eq!(applied(&successor.up().await.unwrap()), ALL);
    assert_all_done(&other, "terminated without a majority").await;
}

/// Sends SIGTERM, and asserts that the process ends soon after.
async fn terminate(worker: &mut Worker) {
    let began = Instant::now();
    worker.terminate();
    let end = ended(worker).await;
    println!("terminated: {end}");
    assert!(began.elapsed() < WITHIN, "took {:?}", began.elapsed());
    assert!(end.starts_with("Unacknowledged"), "{end}");
    assert!(end.contains("majority"), "{end}");
}

/// The secondary dies while a body runs, so that its commit never completes.
#[tokio::test]
async fn i1_the_majority_is_lost_before_a_commit() {
    let (server, secondary) = with_an_arbiter().await;
    let (db, terminated) = (TestDb::on(&server).await, TestDb::on(&server).await);
    let migrator = builder(&db, "module:unacknowledged-commit").build().unwrap();
    let run = tokio::spawn(migrator.up().into_future());
    IN_BODY.pass().await;
    let mut worker =
        Worker::start(&["crash", terminated.uri(), terminated.name(), LONG_LEASE_MS, "pause", "commitTransaction 1"]);
    worker.line().await.unwrap();
    worker.paused().await;

    server.kill(secondary).unwrap();
    GO.open();
    worker.cont();
    // Only the primary has committed both, so they are not permanent.
    let local = async |db: &TestDb, name: &str, filter: Document| {
        db.collection::<Document>(name).count_documents(filter).await.unwrap()
    };
    eventually("the commits", async || {
        let gated = local(&db, "effects", doc! { "of": "gated" }).await;
        (gated + local(&terminated, EFFECTS, doc! {}).await == 2).then_some(())
    })
    .await;

    let began = Instant::now();
    let (error, ()) = tokio::join!(
        async {
            migrator.shutdown().await;
            run.await.unwrap().unwrap_err()
        },
        terminate(&mut worker)
    );
    println!("after {:?}: {error}\n{}", began.elapsed(), error.report().unwrap());
    assert!(began.elapsed() < WITHIN, "took {:?}", began.elapsed());
    let Error::Unacknowledged { report, interrupted: true, .. } = &error else { panic!("{error:?}") };
    assert_eq!(applied(report), ["module:unacknowledged-commit:001_first"]);
    let stopped = report.stopped().unwrap();
    assert_eq!(stopped.id, "module:unacknowledged-commit:002_second");
    assert!(matches!(stopped.outcome, mongrate::report::Outcome::Stopped { remains: Remains::Unknown }), "{report}");
    assert_eq!(report.not_run(), ["module:unacknowledged-commit:003_third"]);

    server.restart(secondary).await.unwrap();
    eventually("the lease to be free", async || {
        (count(&db, "migrations_lock", doc! { "_id": "lease", "holder": null }).await == 1).then_some(())
    })
    .await;
    // The migration is committed completely, and no other one was started.
    assert_eq!(count(&db, "effects", doc! {}).await, 2);
    assert_eq!(count(&db, "migrations", doc! { "status": "completed" }).await, 2);
    let next = builder(&db, "module:unacknowledged-commit").build().unwrap();
    assert_eq!(applied(&next.up().await.unwrap()), ["module:unacknowledged-commit:003_third"]);
    assert_eq!(count(&db, "effects", doc! {}).await, 3);

    assert_eq!(effects(&terminated, ALL[0]).await, 1);
    let successor = successor(&terminated).await;
    successor.force_unlock().await.unwrap();
    assert_eq!(applied(&successor.up().await.unwrap()), ALL[1..]);
    assert_all_done(&terminated, "terminated in a commit without a majority").await;
}

/// The secondary dies while a body runs outside of transactions. The `Schema` body has to log its next operation, and the raw one
/// has to be recorded.
#[tokio::test]
async fn i6_the_majority_is_lost_in_a_schema_and_in_a_raw_body() {
    let (server, secondary) = with_an_arbiter().await;
    let (schema, raw) = (TestDb::on(&server).await, TestDb::on(&server).await);
    let (mut workers, places) = (Vec::new(), ["body 002_schema", "body 003_raw"]);
    for (db, position) in [&schema, &raw].into_iter().zip(places) {
        let mut worker = Worker::start(&["crash", db.uri(), db.name(), LONG_LEASE_MS, "pause", position]);
        assert_eq!(worker.line().await, Some(format!("halted at {position}")));
        worker.paused().await;
        workers.push(worker);
    }
    server.kill(secondary).unwrap();
    let second = doc! { "_id": ALL[1], "status": "running", "log.ops": { "$size": 2 } };
    let third = doc! { "_id": ALL[2], "status": "completed" };
    for ((db, worker), written) in [&schema, &raw].into_iter().zip(&mut workers).zip([second, third]) {
        worker.cont();
        // On the primary only.
        eventually("the record to be written", async || {
            let found = db.collection::<Document>("migrations").count_documents(written.clone()).await.unwrap();
            (found == 1).then_some(())
        })
        .await;
        terminate(worker).await;
    }
    let shelf = schema.list_collection_names().filter(doc! { "name": "shelf" }).await.unwrap();
    assert!(shelf.is_empty(), "an operation was sent before it was on record");

    server.restart(secondary).await.unwrap();
    for (db, left) in [(&schema, &ALL[1..]), (&raw, &ALL[3..])] {
        let successor = successor(db).await;
        successor.force_unlock().await.unwrap();
        assert_eq!(applied(&successor.up().await.unwrap()), left);
        assert_all_done(db, "terminated in a body without a majority").await;
    }
}

/// Nothing can be written while the server is locked.
async fn every_limit_ends_a_run_on(server: &Mongod) {
    let admin = server.client().await.unwrap().database("admin");
    for direction in Direction::ALL {
        let db = TestDb::on(server).await;
        builder(&db, "module:unacknowledged").build().unwrap().up().only(FIRST).await.unwrap();
        admin.run_command(doc! { "fsync": 1, "lock": true }).await.unwrap();
        for (migrator, limit) in limited(&db) {
            ends_in_time(&db, direction, &migrator, limit).await;
        }
        admin.run_command(doc! { "fsyncUnlock": 1 }).await.unwrap();
        goes_on(&db, direction).await;
    }
}

#[tokio::test]
async fn i6_every_limit_ends_a_run_on_a_locked_standalone_server() {
    every_limit_ends_a_run_on(&servers::builder().standalone().start().await.unwrap()).await;
}

#[tokio::test]
async fn i6_every_limit_and_signal_ends_a_run_on_a_locked_server() {
    let server = servers::builder().start().await.unwrap();
    every_limit_ends_a_run_on(&server).await;

    let admin = server.client().await.unwrap().database("admin");
    let db = TestDb::on(&server).await;
    admin.run_command(doc! { "fsync": 1, "lock": true }).await.unwrap();
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), LONG_LEASE_MS]);
    eventually("the process to wait for the server", async || {
        let waiting = doc! { "currentOp": true, "appName": db.name(), "waitingForLock": true };
        let waiting = admin.run_command(waiting).await.unwrap();
        (!waiting.get_array("inprog").unwrap().is_empty()).then_some(())
    })
    .await;
    terminate(&mut worker).await;
    admin.run_command(doc! { "fsyncUnlock": 1 }).await.unwrap();
    let successor = successor(&db).await;
    successor.force_unlock().await.unwrap();
    assert_eq!(applied(&successor.up().await.unwrap()), ALL);
    assert_all_done(&db, "terminated on a locked server").await;
}
