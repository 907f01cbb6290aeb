//! What programs read is as docs/json-schema.json says: every document of every command, and nothing beside it on stdout.

mod schema;

use std::collections::BTreeSet;
use std::fmt::Display;

use mongodb::Database;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Decimal128, Document, doc};
use mongrate::json::{Health, Statistics, Status};
use mongrate_tests::stored::migrator;
use mongrate_tests::{MyApp, Ran, TestDb, eventually};
use serde_json::{Value, json};

use self::schema::Schema;
use super::knobs::{HELD, IDS, fail, heartbeat, held, mend};
use super::new::Sources;

/// Calls the program for programs, and reads the one document.
async fn document(app: &MyApp, words: &[&str]) -> (Ran, Value) {
    let ran = app.run(words.iter().chain(&["--format", "json"])).await;
    let document = read(&ran);
    (ran, document)
}

fn read(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran}"))
}

/// What was seen of the schema.
struct Reader {
    schema: Schema,
    seen: BTreeSet<String>,
}

impl Reader {
    fn new() -> Self {
        Self { schema: Schema::read(), seen: BTreeSet::new() }
    }

    /// Calls a command, whose document is as described. The words are separated by spaces.
    async fn reads(&mut self, app: &MyApp, name: &str, words: &str) -> Value {
        let (ran, document) = document(app, &words.split(' ').collect::<Vec<_>>()).await;
        self.heeds(name, &ran, &document);
        document
    }

    fn heeds(&mut self, name: &str, ran: &Ran, document: &Value) {
        let name =
            if document["error"].is_object() && document.as_object().unwrap().len() == 1 { "failure" } else { name };
        self.describes(name, document, ran);
        let exit = document["error"]["exit"].as_i64();
        // Those that found what they were asked to look for have not failed.
        assert!(exit.is_none() || exit == Some(ran.code.into()), "{ran}");
        assert_eq!(ran.stderr.contains("error: "), exit.is_some(), "{ran}");
    }

    fn describes(&mut self, name: &str, document: &Value, origin: impl Display) {
        if let Err(faults) = self.schema.check(name, document) {
            panic!("{name}:\n{faults}\n{origin}");
        }
        self.schema.visit(name, document, &mut self.seen);
    }
}

async fn set(db: &Database, id: &str, fields: Document) {
    let records = db.collection::<Document>("migrations");
    records.update_one(doc! { "_id": id }, doc! { "$set": fields }).await.unwrap();
}

/// An index is dropped by hand, and made again.
async fn differs(db: &Database, reader: &mut Reader, app: &MyApp) {
    let users = db.collection::<Document>("users");
    users.drop_index("email_1").await.unwrap();
    let found = reader.reads(app, "validate", "validate").await;
    // A `&Database` migration came later, so it is a notice.
    assert_eq!(found["notices"][0]["object"], "index 'email_1' of 'users'", "{found}");
    let options = mongodb::options::IndexOptions::builder().unique(true).build();
    users
        .create_index(mongodb::IndexModel::builder().keys(doc! { "email": 1 }).options(options).build())
        .await
        .unwrap();
}

/// A holder is requested to stop, and has died.
async fn stop_requested(db: &Database, reader: &mut Reader, app: &MyApp) {
    let holder = doc! {
        "host": "h", "pid": 1_i64, "since": DateTime::now(), "session": {}, "nonce": ObjectId::new(),
    };
    let stop = doc! { "by": "ana", "because": "it hangs", "at": DateTime::now() };
    let locks = db.collection::<Document>("migrations_lock");
    let lease = doc! { "_id": "lease" };
    let held = doc! { "$set": { "holder": holder, "expiresAt": DateTime::now(), "stop": stop } };
    locks.update_one(lease.clone(), held).await.unwrap();
    let found = reader.reads(app, "lock-status", "lock status").await;
    assert_eq!((&found["stopRequested"]["by"], &found["expiresInMs"]), (&json!("ana"), &json!(0)), "{found}");
    let free = doc! { "$set": { "holder": null }, "$unset": { "stop": "" } };
    locks.update_one(lease, free).await.unwrap();
}

/// Every command in several situations, until everything that the schema describes was there.
#[tokio::test]
async fn every_document_is_as_described() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db).with("MONGRATE_ENV", "staging").with("MONGRATE_LEASE_MS", "2000");
    let mut reader = Reader::new();
    let looks = [
        ("status", "status"),
        ("pending", "pending"),
        ("plan", "plan"),
        ("validate", "validate"),
        ("history", "history"),
        ("show", "show 002_assign_roles"),
        ("version", "version"),
        ("lock-status", "lock status"),
    ];
    for (name, words) in looks {
        reader.reads(&app, name, words).await;
    }
    db.collection::<Document>("users").insert_one(doc! { "_id": 1, "email": "ANA@EXAMPLE.COM" }).await.unwrap();
    reader.reads(&app, "up", "up --dry-run").await;
    fail(&db, "002_assign_roles").await;
    for words in ["up", "deploy"] {
        reader.reads(&app, words, words).await;
    }
    reader.reads(&app, "pending", "pending").await;
    mend(&db, "002_assign_roles").await;
    let holder = held(&app, &db).await;
    reader.reads(&app, "up", "up --lock-wait 0s").await;
    for (name, words) in looks {
        reader.reads(&app, name, words).await;
    }
    heartbeat(&db).await;
    assert_eq!(reader.reads(&app, "lock-status", "lock status").await["holder"]["current"], HELD);
    reader.reads(&app, "lock-release", "lock release --confirm --because hangs").await;
    reader.reads(&app, "lock-release", "lock release --confirm --because hangs").await;
    assert_eq!(holder.finish().await.code, 3);
    mend(&db, HELD).await;
    reader.reads(&app, "deploy", "deploy").await;
    reader.reads(&app, "run", "run 004_shrink_orders").await;
    stop_requested(&db, &mut reader, &app).await;
    differs(&db, &mut reader, &app).await;
    reader.reads(&app, "down", "down --yes --dry-run --steps 2").await;
    reader.reads(&app, "down", "down --yes --steps 2 --by ben").await;
    reader.reads(&app, "down", "down --yes 001_create_users").await;
    reader.reads(&app, "status", "status").await;
    reader.reads(&app, "mark", "mark applied module:menu:001_namespace --yes --because by-hand").await;
    reader.reads(&app, "mark", "mark pending module:menu:001_namespace --yes").await;
    reader.reads(&app, "baseline", "baseline module:menu:002_prices --yes").await;
    reader.reads(&app, "baseline", "baseline --detect --yes").await;
    set(&db, "002_assign_roles", doc! { "checksum": format!("t2:{}", "0".repeat(64)) }).await;
    let records = db.collection::<Document>("migrations");
    let mut orphan = records.find_one(doc! { "_id": "002_assign_roles" }).await.unwrap().unwrap();
    orphan.insert("_id", "000_gone");
    records.insert_one(orphan).await.unwrap();
    for (name, words) in looks {
        reader.reads(&app, name, words).await;
    }
    reader.reads(&app, "deploy", "deploy").await;
    reader.reads(&app, "show", "show 000_gone").await;
    reader.reads(&app, "accept", "accept 002_assign_roles").await;
    reader.reads(&app, "prune", "prune 000_gone --yes").await;
    reader.reads(&app, "show", "show 000_gone").await;
    reader.reads(&app, "show", "show 007_nobody").await;
    reader.reads(&app, "show", "show 001_create_users").await;
    reader.reads(&app, "history", "history --limit 2").await;
    reader.reads(&app, "graph", "graph").await;
    reads_what_no_command_prints(&mut reader, &db).await;
    reads_what_needs_no_database(&mut reader).await;
    reads_backfills(&mut reader).await;
    let unseen: Vec<_> = reader.schema.properties().into_iter().filter(|name| !reader.seen.contains(name)).collect();
    assert_eq!(unseen, Vec::<String>::new(), "described, but never there");
}

/// A backfill that waits, is held up by a locked document, and fails.
async fn reads_backfills(reader: &mut Reader) {
    let db = TestDb::new().await;
    let app = MyApp::shop(&db);
    let orders = db.collection::<Document>("orders");
    orders.insert_many((0..12_000).map(|id| doc! { "_id": id })).await.unwrap();
    assert_eq!(reader.reads(&app, "backfill", "backfill").await, json!({ "backfills": [] }));
    reader.reads(&app, "up", "up --background").await;
    for name in ["backfill", "plan", "status", "deploy"] {
        reader.reads(&app, name, name).await;
    }
    reader
        .reads(
            &app,
            "backfill",
            "backfill tune 010_order_totals --workers 2 --pace full --max-lag 1h --batch-time 100ms",
        )
        .await;
    let paused = reader.reads(&app, "backfill", "backfill pause 010_order_totals --by ana --because sale").await;
    assert_eq!(paused["backfills"][0]["paused"]["because"], "sale", "{paused}");
    reader.reads(&app, "backfill", "backfill resume 010_order_totals").await;
    reader.reads(&app, "history", "history").await;
    let refused = doc! { "$nor": [{ "_id": { "$gte": 11_998 }, "total": 1 }] };
    db.run_command(doc! { "collMod": "orders", "validator": refused }).await.unwrap();
    let mut session = db.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    let held = doc! { "$set": { "held": true } };
    // In the third batch of its range, so that there is a rate.
    orders.update_one(doc! { "_id": 700 }, held).session(&mut session).await.unwrap();
    let running = app.start(["up"]);
    eventually("a rate", async || {
        let (_, found) = document(&app, &["backfill"]).await;
        (!found["backfills"][0]["documentsPerSecond"].is_null()).then_some(())
    })
    .await;
    let throttled = doc! { "stopped": false, "reason": "member h2:27018 is 3 s behind, limit 2 s" };
    let slowed = doc! { "$set": { "claim.throttled": throttled } };
    let ranges = db.collection::<Document>("migrations_ranges");
    // The next batch says that it is not.
    let (ran, found) = eventually("a throttle", async || {
        ranges.update_many(doc! { "claim.pid": { "$gt": 0 } }, slowed.clone()).await.unwrap();
        let (ran, found) = document(&app, &["backfill"]).await;
        (found["backfills"][0]["throttled"]["stopped"] == false).then_some((ran, found))
    })
    .await;
    reader.heeds("backfill", &ran, &found);
    session.abort_transaction().await.unwrap();
    assert_eq!(running.finish().await.code, 1);
    let failed = reader.reads(&app, "backfill", "backfill").await;
    assert_eq!((&failed["backfills"][0]["status"], &failed["backfills"][0]["skipped"]), (&json!("failed"), &json!(1)));
    // As if it were swept.
    let mut sweep = ranges.find_one(doc! { "state": "done" }).await.unwrap().unwrap();
    sweep.get_document_mut("_id").unwrap().insert("n", 1_000_i64);
    ranges.insert_one(sweep).await.unwrap();
    assert!(reader.reads(&app, "backfill", "backfill").await["backfills"][0]["swept"].is_u64());
    let skipped = reader.reads(&app, "backfill-skipped", "backfill skipped 010_order_totals").await;
    assert_eq!(skipped["skipped"][0]["document"], json!({ "_id": 11_998 }), "{skipped}");
    for wrong in schema::spoilt(&failed) {
        assert!(reader.schema.check("backfill", &wrong).is_err(), "{wrong}");
    }
}

async fn reads_what_no_command_prints(reader: &mut Reader, db: &Database) {
    let migrator = migrator(db, "module:history").build().unwrap();
    let (statistics, health) = (migrator.statistics().await.unwrap(), migrator.health().await.unwrap());
    // No migration of `my-app` has a condition.
    let excluded = self::migrator(db, "module:excluded").build().unwrap().status().await.unwrap();
    let documents = [
        ("statistics", json!(Statistics::of(&statistics))),
        ("health", json!(Health::of(&health))),
        ("status", json!(Status::of(&excluded))),
    ];
    for (name, document) in documents {
        reader.describes(name, &document, &document);
        for wrong in schema::spoilt(&document) {
            assert!(reader.schema.check(name, &wrong).is_err(), "{name} accepts {wrong}");
        }
    }
}

async fn reads_what_needs_no_database(reader: &mut Reader) {
    let sources = Sources::new();
    let app = sources.app();
    reader.reads(&app, "lock-file", "lock-file --check").await;
    reader.reads(&app, "lock-file", "lock-file").await;
    reader.reads(&app, "check", "check").await;
    let line = |id: &str, checksum: &str| format!("{id} {checksum}\n");
    let zeros = "0".repeat(64);
    let old = line("001_create_users", &format!("t0:{zeros}"));
    let (other, gone) = (line("002_assign_roles", &format!("t2:{zeros}")), line("000_gone", &format!("t2:{zeros}")));
    sources.write("migrations.lock", &[gone, old, other].concat());
    reader.reads(&app, "check", "check").await;
    reader.reads(&app, "lock-file", "lock-file").await;
    reader.reads(&app, "graph", "graph --offline").await;
    reader.reads(&app, "new", "new --dry-run add-roles").await;
    reader.reads(&app, "new", "new add-roles --source module:menu").await;
    reader.reads(&app, "new", "new add-roles --source module:menu").await;
    // Nobody declares the module any more.
    sources.write("src/bin/my-app/main.rs", "fn main() {}\n");
    reader.reads(&app, "new", "new --dry-run add-roles").await;
    reader.reads(&app, "completions", "completions bash").await;
}

/// A schema that accepts anything would prove nothing.
#[tokio::test]
async fn a_document_with_a_word_too_many_or_too_few_is_not_as_described() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let schema = Schema::read();
    let mut tried = 0;
    for (name, words) in [
        ("status", "status"),
        ("up", "up --dry-run"),
        ("deploy", "deploy"),
        ("show", "show 001_create_users"),
        ("history", "history"),
        ("graph", "graph"),
        ("completions", "completions fish"),
    ] {
        let (_, document) = document(&app, &words.split(' ').collect::<Vec<_>>()).await;
        schema.check(name, &document).unwrap();
        for wrong in schema::spoilt(&document) {
            assert!(schema.check(name, &wrong).is_err(), "{name} accepts {wrong}");
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
    let wrong = json!({ "error": { "code": "odd", "exit": 1, "message": "", "causes": [], "help": null } });
    assert!(schema.check("failure", &wrong).is_err());
}

#[test]
fn the_schema_describes_everything_and_leaves_nothing_open() {
    let schema = Schema::read();
    assert_eq!(schema.gaps(), Vec::<String>::new());
}

/// Everything else is on stderr, however much there is.
#[tokio::test]
async fn stdout_has_one_document_and_stderr_the_log() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    fail(&db, "002_assign_roles").await;
    for words in [["up", "-v"], ["up", "-vvv"], ["deploy", "-v"]] {
        let (ran, document) = document(&app, &words).await;
        assert_eq!((ran.code, document["error"]["code"].as_str()), (1, Some("failed")), "{ran}");
        assert!(ran.stderr.contains(" INFO ") && ran.stderr.contains("error: "), "{ran}");
    }
    mend(&db, "002_assign_roles").await;
    let (ran, done) = document(&app, &["up", "-v"]).await;
    assert_eq!((ran.code, done["executions"].as_array().unwrap().len()), (0, 4), "{ran}");
    assert!(done.get("error").is_none() && ran.stderr.contains(" INFO "), "{ran}");
    // Only what was asked for.
    let (ran, _) = document(&app, &["down", "--yes", "--quiet"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

/// What was done before it failed is told in the same place as always.
#[tokio::test]
async fn a_failure_comes_with_what_was_done() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    fail(&db, HELD).await;
    let (ran, report) = document(&app, &["up"]).await;
    assert_eq!(
        report["error"],
        json!({
            "code": "failed",
            "exit": 1,
            "message": "migration '003_lower_emails' failed: could not write the users: the disk is full",
            "causes": ["could not write the users", "the disk is full"],
            "help": "its changes so far remain; fix the cause, and `my-app migrate up` runs it again from the beginning",
        }),
        "{ran}"
    );
    let told =
        |name: &str| report["executions"].as_array().unwrap().iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    assert_eq!(told("outcome"), ["applied", "applied", "failed"]);
    assert_eq!(told("remains"), [Value::Null, Value::Null, json!("repeatable")]);
    assert_eq!(report["notRun"], json!(["module:menu:001_namespace", "module:menu:002_prices"]));
    assert_eq!(report["executed"], json!(["001_create_users", "002_assign_roles"]));
    assert_eq!(report["failed"], json!([HELD]));
    let (_, deployment) = document(&app, &["deploy"]).await;
    let counts = ["applied", "failed", "total"].map(|name| deployment[name].as_u64());
    assert_eq!(counts, [Some(0), Some(1), Some(6)]);
    assert_eq!(deployment["error"]["code"], "failed");
    assert_eq!(deployment["report"]["executions"][0]["id"], HELD);
}

#[tokio::test]
async fn the_status_has_a_list_of_pending_and_one_of_completed_migrations() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let ids = |status: &Value, list: &str| {
        let list = status[list].as_array().unwrap();
        list.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let totals =
        |status: &Value| ["totalPending", "totalCompleted", "manual"].map(|name| status[name].as_u64().unwrap());
    let (_, status) = document(&app, &["status"]).await;
    assert_eq!((ids(&status, "pending"), ids(&status, "completed")), (IDS.map(str::to_owned).into(), vec![]));
    assert_eq!((totals(&status), &status["isRunning"]), ([5, 0, 1], &json!(false)));

    let (_, report) = document(&app, &["up", "--dry-run"]).await;
    assert_eq!((&report["executed"], &report["failed"]), (&json!([]), &json!([])));
    let holder = held(&app, &db).await;
    let (_, status) = document(&app, &["status"]).await;
    assert_eq!(ids(&status, "pending"), IDS[2..]);
    assert_eq!(ids(&status, "completed"), IDS[..2]);
    assert_eq!((totals(&status), &status["isRunning"]), ([3, 2, 1], &json!(true)));
    mend(&db, HELD).await;
    assert_eq!(holder.finish().await.code, 0);
}

#[tokio::test]
async fn documents_are_extended_json() {
    let db = TestDb::new().await;
    let at = DateTime::from_millis(1_767_225_600_000);
    let (id, price) = (ObjectId::from_bytes([7; 12]), "19.99".parse::<Decimal128>().unwrap());
    let user = doc! { "_id": id, "born": at, "visits": 5_000_000_000_i64, "price": price, "score": f64::INFINITY };
    db.collection::<Document>("users").insert_one(user).await.unwrap();
    let (_, report) = document(&MyApp::on(&db), &["up", "--dry-run"]).await;
    let operations = report["executions"][1]["operations"].as_array().unwrap();
    let sample = &operations.iter().find(|one| one["kind"] == "update_many").unwrap()["samples"][0];
    let mut expected = json!({
        "_id": { "$oid": "070707070707070707070707" },
        "born": { "$date": "2026-01-01T00:00:00Z" },
        "visits": 5_000_000_000_i64,
        "price": { "$numberDecimal": "19.99" },
        "score": { "$numberDouble": "Infinity" },
    });
    assert_eq!(sample["before"], expected);
    expected["role"] = json!("member");
    assert_eq!(sample["after"], expected);
}
