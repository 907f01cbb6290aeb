//! What the commands do to the database, counted there, and what they leave alone.

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongrate_tests::stored::{collections, count, documents, fingerprint, history, lease_is_free, record, status};
use mongrate_tests::{MyApp, Ran, TestDb};

use super::knobs::{HELD, fail, held, mend};

const ALL: [&str; 5] =
    ["001_create_users", "002_assign_roles", HELD, "module:menu:001_namespace", "module:menu:002_prices"];

/// Calls a command that does what it should. The words are separated by spaces.
async fn done(app: &MyApp, words: &str) -> Ran {
    let ran = app.run(words.split(' ')).await;
    assert_eq!(ran.code, 0, "{words}\n{ran}");
    ran
}

/// Calls a command that changes nothing, whatever it says.
async fn changes_nothing(app: &MyApp, db: &Database, words: &str, code: i32) {
    let (before, names) = (fingerprint(db).await, collections(db).await);
    let ran = app.run(words.split(' ')).await;
    assert_eq!(ran.code, code, "{words}\n{ran}");
    assert_eq!((fingerprint(db).await, collections(db).await), (before, names), "{words}\n{ran}");
}

async fn users(db: &Database) {
    let users = db.collection::<Document>("users");
    users.insert_many((0..10).map(|id| doc! { "_id": id, "email": format!("USER{id}@EXAMPLE.COM") })).await.unwrap();
}

/// How many users there are with a role, with an address in lower case, and in the menu.
async fn effects(db: &Database) -> (u64, u64, u64) {
    let (role, lower) = (doc! { "role": "member" }, doc! { "email": { "$regex": "^user" } });
    (count(db, "users", role).await, count(db, "users", lower).await, count(db, "menu", doc! { "cents": 0 }).await)
}

/// The newest entry of the history about this migration.
async fn entry(db: &Database, id: &str) -> Document {
    let entries = db.collection::<Document>("migrations_history");
    let newest = doc! { "executedAt": -1, "_id": -1 };
    entries.find_one(doc! { "migrationId": id }).sort(newest).await.unwrap().unwrap()
}

#[tokio::test]
async fn up_applies_everything_once() {
    let db = TestDb::new().await;
    users(&db).await;
    let app = MyApp::on(&db).with("MONGRATE_ENV", "staging");
    done(&app, "up").await;
    assert_eq!(effects(&db).await, (10, 10, 1));
    let indexes = db.collection::<Document>("users").list_index_names().await.unwrap();
    assert!(indexes.contains(&"email_1".to_owned()), "{indexes:?}");
    for id in ALL {
        let record = record(&db, id).await.unwrap();
        let text = |name: &str| record.get_str(name).unwrap();
        assert_eq!((text("status"), text("appliedBy")), ("completed", "ana"));
        assert_eq!((text("environment"), text("codebaseVersion")), ("staging", "1.2.3"));
        assert_eq!(history(&db, id).await, ["completed"]);
    }
    assert!(record(&db, "004_shrink_orders").await.is_none() && lease_is_free(&db).await);
    changes_nothing(&app, &db, "up", 0).await;
}

#[tokio::test]
async fn up_and_run_apply_what_is_named() {
    let db = TestDb::new().await;
    users(&db).await;
    let app = MyApp::on(&db);
    done(&app, "up 002_assign_roles --by ben --because OPS-17").await;
    assert_eq!(effects(&db).await, (10, 0, 0));
    let first = entry(&db, "001_create_users").await;
    assert_eq!((first.get_str("by").unwrap(), first.get_str("because").unwrap()), ("ben", "OPS-17"));
    done(&app, "up --to 003_lower_emails").await;
    assert_eq!(effects(&db).await, (10, 10, 0));
    db.collection::<Document>("orders").insert_one(doc! { "_id": 1, "draft": true }).await.unwrap();
    done(&app, "run 004_shrink_orders --because OPS-18").await;
    assert_eq!(entry(&db, "004_shrink_orders").await.get_str("because").unwrap(), "OPS-18");
    assert_eq!(documents(&db, "orders").await, [doc! { "_id": 1 }]);
    assert_eq!(count(&db, "migrations", doc! { "status": "completed" }).await, 4);
    done(&app, "up module:menu:001_namespace module:menu:002_prices").await;
    assert_eq!(effects(&db).await, (10, 10, 1));
}

/// Whoever is logged in, as far as the environment tells.
#[tokio::test]
async fn who_it_was_is_taken_from_the_environment() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    done(&app.clone().with("USER", "").with("LOGNAME", "logged-in"), "up 001_create_users").await;
    assert_eq!(entry(&db, "001_create_users").await.get_str("by").unwrap(), "logged-in");
    done(&app.with("USER", ""), "up").await;
    assert_eq!(entry(&db, HELD).await.get("by"), None);
}

#[tokio::test]
async fn looking_changes_nothing() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let looks = [
        "status",
        "status --check",
        "pending",
        "plan",
        "validate",
        "history",
        "version",
        "lock status",
        "show 001_create_users",
        "up --dry-run",
        "down --dry-run",
        "down --dry-run --steps 2",
    ];
    for words in looks {
        changes_nothing(&app, &db, words, if words == "status --check" { 5 } else { 0 }).await;
    }
    assert!(collections(&db).await.is_empty());
    users(&db).await;
    changes_nothing(&app, &db, "up --dry-run", 0).await;
    changes_nothing(&app.clone().with("MONGRATE_AUTO", "false"), &db, "up", 5).await;
    done(&app, "up").await;
    for words in looks {
        changes_nothing(&app, &db, words, 0).await;
    }
    assert!(lease_is_free(&db).await);
}

#[tokio::test]
async fn down_reverts_what_is_named() {
    let db = TestDb::new().await;
    users(&db).await;
    let app = MyApp::on(&db);
    done(&app, "up").await;
    // Everything is of one batch, and the first one cannot be reverted.
    for words in ["down --yes --batch", "down --yes 002_assign_roles", "down --yes 001_create_users"] {
        changes_nothing(&app, &db, words, 1).await;
    }
    done(&app, "down --yes --by ben").await;
    assert_eq!(effects(&db).await, (10, 10, 0));
    let prices = record(&db, "module:menu:002_prices").await.unwrap();
    assert_eq!((prices.get_str("status").unwrap(), prices.get_str("revertedBy").unwrap()), ("rolled-back", "ben"));
    assert_eq!(entry(&db, "module:menu:002_prices").await.get_str("act").unwrap(), "down");
    done(&app, "up").await;
    done(&app, "down --yes --batch").await;
    assert_eq!(count(&db, "migrations", doc! { "status": "completed" }).await, 4);
    done(&app, "down --yes 002_assign_roles --with-dependents").await;
    assert_eq!((effects(&db).await.0, status(&db, HELD).await.as_str()), (0, "rolled-back"));
    done(&app, "up").await;
    done(&app, "down --yes --steps 2").await;
    assert_eq!(count(&db, "migrations", doc! { "status": "completed" }).await, 3);
    done(&app, "down --yes --to 001_create_users").await;
    assert_eq!(count(&db, "migrations", doc! { "status": "completed" }).await, 1);
    assert_eq!(count(&db, "menu", doc! {}).await, 0);
}

/// Neither where nobody can be asked, nor in production.
#[tokio::test]
async fn nothing_is_undone_without_a_yes() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    done(&app, "up").await;
    for app in [&app, &app.clone().with("MONGRATE_ENV", "production")] {
        for words in ["down", "mark pending 003_lower_emails", "mark applied 004_shrink_orders", "prune 000_gone"] {
            changes_nothing(app, &db, words, 2).await;
        }
    }
    let production = app.with("MONGRATE_ENV", "production");
    done(&production, "mark applied 004_shrink_orders --yes").await;
    assert_eq!(status(&db, "004_shrink_orders").await, "completed");
}

/// The history tells who did it and why, and no body has run.
#[tokio::test]
async fn records_are_changed_by_hand() {
    let db = TestDb::new().await;
    users(&db).await;
    let app = MyApp::on(&db);
    done(&app, "baseline 002_assign_roles --yes --because first-use").await;
    done(&app, "mark applied 003_lower_emails --yes --because by-hand --by ben").await;
    done(&app, "mark pending 003_lower_emails --yes --because restored").await;
    assert_eq!(effects(&db).await, (0, 0, 0));
    assert_eq!(history(&db, HELD).await, ["completed", "rolled-back"]);
    let records = db.collection::<Document>("migrations");
    let changed = format!("t2:{}", "0".repeat(64));
    records.update_one(doc! { "_id": "002_assign_roles" }, doc! { "$set": { "checksum": &changed } }).await.unwrap();
    done(&app, "accept 002_assign_roles --because only-a-comment").await;
    assert_ne!(record(&db, "002_assign_roles").await.unwrap().get_str("checksum").unwrap(), changed);
    let mut gone = record(&db, "001_create_users").await.unwrap();
    gone.insert("_id", "000_gone");
    records.insert_one(gone).await.unwrap();
    done(&app, "prune 000_gone --yes --because merged").await;
    assert_eq!(count(&db, "migrations", doc! {}).await, 3);
    for (id, act, by, because) in [
        ("001_create_users", "baseline", "ana", "first-use"),
        ("002_assign_roles", "accept", "ana", "only-a-comment"),
        (HELD, "mark-pending", "ana", "restored"),
        ("000_gone", "prune", "ana", "merged"),
    ] {
        let entry = entry(&db, id).await;
        let told = ["act", "by", "because"].map(|name| entry.get_str(name).unwrap_or_default().to_owned());
        assert_eq!(told, [act, by, because].map(str::to_owned), "{id}");
    }
    let applied = doc! { "migrationId": HELD, "act": "mark-applied", "by": "ben", "because": "by-hand" };
    assert_eq!(count(&db, "migrations_history", applied).await, 1);
    let previous = entry(&db, "002_assign_roles").await.get_str("previousChecksum").unwrap().to_owned();
    assert_eq!(previous, changed);
}

/// Who had it goes on to the next call, and commits nothing more.
#[tokio::test]
async fn the_lock_is_taken_away() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db).with("MONGRATE_LEASE_MS", "2000");
    let holder = held(&app, &db).await;
    let pid = i64::from(holder.pid());
    changes_only_the_lock(&app, &db).await;
    let unlock =
        db.collection::<Document>("migrations_history").find_one(doc! { "act": "unlock" }).await.unwrap().unwrap();
    assert_eq!((unlock.get_str("by").unwrap(), unlock.get_str("because").unwrap()), ("ben", "it-hangs"));
    let former = unlock.get_document("holder").unwrap();
    assert_eq!((former.get_i64("pid").unwrap(), former.get_str("actor").unwrap()), (pid, "ana"));
    mend(&db, HELD).await;
    assert_eq!(holder.finish().await.code, 3);
    assert!(record(&db, "module:menu:001_namespace").await.is_none());
    done(&app, "up").await;
    assert_eq!(history(&db, "module:menu:001_namespace").await, ["completed"]);
}

async fn changes_only_the_lock(app: &MyApp, db: &Database) {
    let records = documents(db, "migrations").await;
    done(app, "lock release --confirm --because it-hangs --by ben").await;
    assert!(lease_is_free(db).await);
    assert_eq!(documents(db, "migrations").await, records);
}

#[tokio::test]
async fn a_failure_stops_what_depends_on_it() {
    let db = TestDb::new().await;
    users(&db).await;
    let app = MyApp::on(&db);
    fail(&db, "002_assign_roles").await;
    assert_eq!(app.run(["up"]).await.code, 1);
    assert_eq!((effects(&db).await, count(&db, "migrations", doc! {}).await), ((0, 0, 0), 2));
    assert_eq!(status(&db, "002_assign_roles").await, "failed");
    // Both ways to say that the others need not wait.
    assert_eq!(app.run(["up", "--continue-on-error"]).await.code, 1);
    assert_eq!((effects(&db).await, status(&db, HELD).await.as_str()), ((0, 0, 1), ""));
    done(&app, "down --yes --steps 2").await;
    assert_eq!(app.clone().with("MONGRATE_STOP_ON_ERROR", "false").run(["deploy"]).await.code, 1);
    assert_eq!(effects(&db).await, (0, 0, 1));
    assert_eq!(history(&db, "002_assign_roles").await, ["failed", "failed", "failed"]);
    mend(&db, "002_assign_roles").await;
    done(&app, "deploy").await;
    assert_eq!(effects(&db).await, (10, 10, 1));
}

#[tokio::test]
async fn a_refused_deployment_changes_nothing() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    done(&app, "deploy").await;
    done(&app, "down --yes").await;
    let changed = doc! { "$set": { "checksum": format!("t2:{}", "0".repeat(64)) } };
    db.collection::<Document>("migrations").update_one(doc! { "_id": "001_create_users" }, changed).await.unwrap();
    changes_nothing(&app, &db, "deploy", 1).await;
    assert_eq!(status(&db, "module:menu:002_prices").await, "rolled-back");
    done(&app, "accept 001_create_users").await;
    done(&app, "deploy").await;
}

/// What an option says counts for more than the connection string, and that for more than the environment.
#[tokio::test]
async fn the_database_is_the_one_that_was_said() {
    let db = TestDb::new().await;
    let (other, third) = (db.tenant("other"), db.tenant("third"));
    let named = |database: &Database| MyApp::uri(&db).replace(db.name(), database.name());
    done(&MyApp::on(&db).with("MONGODB_URI", &named(&third)), &format!("up --database {}", other.name())).await;
    let applied = async |db: &Database| count(db, "migrations", doc! {}).await;
    assert_eq!((applied(&db).await, applied(&other).await, applied(&third).await), (0, 5, 0));
    done(&MyApp::anywhere().with("MONGODB_URI", &named(&third)), "up 001_create_users").await;
    assert_eq!((applied(&db).await, applied(&third).await), (0, 1));
    done(&MyApp::anywhere().with("MONGODB_URI", &named(&third)).at(db.uri()), &format!("up --database {}", db.name()))
        .await;
    assert_eq!((applied(&db).await, applied(&third).await), (5, 1));
}

/// What somebody says is not taken for anything else.
#[tokio::test]
async fn a_reason_is_stored_as_it_was_given() {
    let db = TestDb::new().await;
    let reason = "say \"no\"; see OPS-17 – $set: {}";
    let ran = MyApp::on(&db).run(["mark", "applied", "001_create_users", "--yes", "--because", reason]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(entry(&db, "001_create_users").await.get("because"), Some(&Bson::from(reason)));
}
