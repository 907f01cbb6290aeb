//! A backfill whose worker dies, or is paused, at any of its commands. Each document is changed once (I1, I2).

use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use futures_util::{StreamExt, stream};
use mongodb::Client;
use mongodb::bson::doc;
use mongrate_tests::crash::backfill::{ID, MANY, assert_once, changed_migrator, fill, migrator};
use mongrate_tests::stored::{count, status};
use mongrate_tests::{Lost, Proxy, Strike, TestDb, Worker, servers};

use super::{LEASE_MS, SOON};

/// Number of concurrent cases, which mostly wait for a claim to expire.
const AT_ONCE: usize = 6;

const SIGKILL: i32 = 9;

/// The places in the work of a batch, and in the steps around it. Numbers skip the commands of Mongrate's own collections.
const PLACES: [&str; 14] = [
    "insert 1",
    "find 6",
    "findAndModify 2",
    "findAndModify 3",
    "tx update orders 1",
    "tx update orders 2",
    "tx update migrations_ranges 1",
    "tx update migrations_ranges 2",
    "commitTransaction 4",
    "after commitTransaction 4",
    "commitTransaction 9",
    "after commitTransaction 9",
    "delete 1",
    "command 60",
];

async fn each_place(how: &str, case: impl AsyncFn(&TestDb, &mut Worker, &str)) {
    let (case, halted) = (&case, &AtomicUsize::new(0));
    let cases = PLACES.iter().map(|place| async move {
        let db = TestDb::new().await;
        fill(&db, MANY).await;
        let mut worker = Worker::start(&["backfill", db.uri(), db.name(), LEASE_MS, how, place]);
        match worker.line().await {
            Some(line) if line == format!("halted at {place}") => {
                halted.fetch_add(1, Relaxed);
                case(&db, &mut worker, place).await;
            }
            // On a busy machine, it may lose its short lease before.
            line => {
                let said = worker.rest().await;
                assert!(line.iter().chain(&said).any(|line| line.contains("LeaseLost")), "{place}: {line:?}, {said:?}");
                migrator((*db).clone(), SOON).up().await.unwrap();
            }
        }
        assert_once(&db, MANY, place).await;
    });
    stream::iter(cases).buffer_unordered(AT_ONCE).collect::<()>().await;
    let halted = halted.load(Relaxed);
    assert!(halted > PLACES.len() / 2, "{halted} of {} places were reached", PLACES.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_backfill_is_killed_at_each_of_its_commands() {
    each_place("die", async |db, worker, place| {
        assert_eq!(worker.finish().await.signal(), Some(SIGKILL), "{place}");
        migrator((**db).clone(), SOON).up().await.unwrap();
        assert_eq!(count(db, "migrations_ranges", doc! {}).await, 0, "{place}");
    })
    .await;
}

/// The paused worker goes on after another process has completed everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_a_backfill_is_paused_at_each_of_its_commands() {
    each_place("pause", async |db, worker, place| {
        worker.paused().await;
        migrator((**db).clone(), SOON).up().await.unwrap();
        assert_once(db, MANY, place).await;
        worker.cont();
        println!("{place}: {:?}", worker.rest().await);
        // The ranges that it inserts late belong to a run that no record names, and stay untouched.
        let (ranges, untouched) = (
            count(db, "migrations_ranges", doc! {}).await,
            count(db, "migrations_ranges", doc! { "token": 0, "claim": null, "counts.batches": 0 }).await,
        );
        match place {
            "insert 1" => assert_eq!((ranges, untouched), (16, 16), "{place}"),
            // A heartbeat, which may be sent beside that insert.
            "findAndModify 2" | "findAndModify 3" => {
                assert!([0, 16].contains(&ranges) && ranges == untouched, "{place}: {ranges}, {untouched}");
            }
            _ => assert_eq!(ranges, 0, "{place}"),
        }
    })
    .await;
}

/// Exactly what was changed is reverted, although the process that changes documents dies, and the one that reverts them dies or is
/// paused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_the_revert_of_an_unfinished_backfill_is_halted_at_each_of_its_commands() {
    let cases = (10..44).step_by(2).map(|command| async move {
        let (db, place) = (TestDb::new().await, format!("command {command}"));
        let how = if command % 4 == 0 { "pause" } else { "die" };
        fill(&db, MANY).await;
        let up = ["backfill", db.uri(), db.name(), LEASE_MS, "die", "commitTransaction 9"];
        Worker::start(&up).rest().await;
        let mut down = Worker::start(&["backfill-down", db.uri(), db.name(), LEASE_MS, how, &place]);
        let said = down.line().await;
        let halted = said.as_deref() == Some(&format!("halted at {place}"));
        if how == "pause" && halted {
            down.paused().await;
        }
        migrator((*db).clone(), SOON).down().only(ID).await.unwrap();
        if how == "pause" && halted {
            down.cont();
        }
        let both = count(&db, "orders", doc! { "n": 1, "m": 1 }).await;
        println!("{place}, {how}: {said:?}, {:?}, {both} reverted", down.rest().await);
        let neither = count(&db, "orders", doc! { "n": null, "m": null }).await;
        assert_eq!((both + neither, both > 0), (count(&db, "orders", doc! {}).await, true), "{place}");
        assert_eq!(status(&db, ID).await, "rolled-back", "{place}");
        u32::from(halted)
    });
    let halted: u32 = stream::iter(cases).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().sum();
    assert!(halted > 8, "{halted} places were reached");
}

/// Each document is changed once, by the former code or by the changed one, although the process with the former code dies, and the one
/// that continues with changed code dies or is paused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_backfill_that_goes_on_with_changed_code_is_halted_at_each_of_its_commands() {
    let cases = (10..52).step_by(2).map(|command| async move {
        let (db, place) = (TestDb::new().await, format!("command {command}"));
        let how = if command % 4 == 0 { "pause" } else { "die" };
        fill(&db, MANY).await;
        let former = ["backfill", db.uri(), db.name(), LEASE_MS, "die", "commitTransaction 9"];
        Worker::start(&former).rest().await;
        let before = count(&db, "orders", doc! { "n": 1 }).await;
        let mut changed = Worker::start(&["backfill-changed", db.uri(), db.name(), LEASE_MS, how, &place]);
        let said = changed.line().await;
        let halted = said.as_deref() == Some(&format!("halted at {place}"));
        if how == "pause" && halted {
            changed.paused().await;
        }
        changed_migrator((*db).clone(), SOON).up().only(ID).with_changed_code(true).await.unwrap();
        changed_migrator((*db).clone(), SOON).up().await.unwrap();
        if how == "pause" && halted {
            changed.cont();
        }
        println!("{place}, {how}: {said:?}, {:?}", changed.rest().await);
        assert_once(&db, MANY, &place).await;
        // A commit of the former code may have been on its way.
        let by_former = count(&db, "orders", doc! { "changed": null }).await;
        assert!((before..MANY.unsigned_abs()).contains(&by_former), "{place}: {before}, {by_former}");
        u32::from(halted)
    });
    let halted: u32 = stream::iter(cases).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().sum();
    assert!(halted > 10, "{halted} places were reached");
}

/// The run continues, or fails and the next one continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_backfill_loses_the_reply_to_any_of_its_commands() {
    let port = servers::replica_set().await.members()[0].port();
    let cases = (24..120).step_by(4).map(|position| async move {
        let db = TestDb::new().await;
        fill(&db, MANY).await;
        let proxy = Proxy::to(port, Strike::Any(position..=position), Lost::Reply).await;
        let client = Client::with_uri_str(&proxy.uri()).await.unwrap();
        let result = migrator(client.database(db.name()), SOON).up().await;
        let commands = proxy.commands();
        let struck = commands.get(position - 1).map_or("nothing", String::as_str);
        let context = format!("reply {position} ({struck}) lost: {:?}", result.as_ref().err());
        println!("{context}");
        if result.is_err() {
            migrator((*db).clone(), SOON).up().await.unwrap();
        }
        assert_once(&db, MANY, &context).await;
    });
    stream::iter(cases).buffer_unordered(AT_ONCE).collect::<()>().await;
}
