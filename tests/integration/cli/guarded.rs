//! What is not done because nobody has said so, and what is told before it happens.

use mongodb::bson::{Document, doc};
use mongrate_tests::stored::{count, lease_is_free, status};
use mongrate_tests::{MyApp, TestDb};

use super::knobs::{HELD, held, mend};
use super::texts::orphan;

/// For a pipeline: a dry run of a migration that would fail exits with an error.
#[tokio::test]
async fn a_dry_run_that_foresees_a_failure_exits_with_1() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_many([doc! { "email": "ana@example.org" }, doc! { "email": "ana@example.org" }]).await.unwrap();
    let ran = MyApp::on(&db).run(["up", "--dry-run"]).await;
    assert!(ran.code == 1 && ran.stdout.contains("would fail     001_create_users"), "{ran}");
    users.delete_one(doc! {}).await.unwrap();
    assert_eq!(MyApp::on(&db).run(["up", "--dry-run"]).await.code, 0);
}

/// An older version is deployed again: it does not know what the newer one has applied.
#[tokio::test]
async fn an_older_version_can_be_deployed_again() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    app.run(["up"]).await;
    orphan(&db, "001_create_users", "005_of_the_newer_version").await;
    let ran = app.run(["deploy"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "Applied: 0, Failed: 0, Total: 6\n"), "{ran}");
    assert!(ran.stderr.contains("warning") && ran.stderr.contains("005_of_the_newer_version"), "{ran}");
}

#[tokio::test]
async fn in_production_the_lock_is_not_taken_away_without_yes() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db).with("MONGRATE_ENV", "production");
    let holder = held(&app, &db).await;
    let words = ["lock", "release", "--confirm", "--because", "it hangs"];
    let ran = app.run(words).await;
    assert!(ran.code == 2 && ran.stderr.contains("requires `--yes`"), "{ran}");
    assert!(!lease_is_free(&db).await);
    let ran = app.run(words.iter().chain(&["--yes"])).await;
    assert!(ran.code == 0 && ran.stdout.contains("Released the lock of"), "{ran}");
    mend(&db, HELD).await;
    assert_eq!(holder.finish().await.code, 3);
}

/// It is asked as `mark applied` is, which says less.
#[tokio::test]
async fn a_baseline_is_asked_about() {
    let db = TestDb::new().await;
    let ran = MyApp::on(&db).run(["baseline", "002_assign_roles"]).await;
    assert!(ran.code == 2 && ran.stderr.contains("confirm with `--yes`"), "{ran}");
    assert_eq!(count(&db, "migrations", doc! {}).await, 0);
}

/// `MONGRATE_AUTO=false` is about what is pending; whoever names a migration means it.
#[tokio::test]
async fn what_is_named_runs_although_nothing_is_applied_by_itself() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db).with("MONGRATE_AUTO", "false");
    assert_eq!(app.run(["up"]).await.code, 5);
    assert_eq!(app.run(["run", "002_assign_roles"]).await.code, 0);
    assert_eq!(status(&db, "002_assign_roles").await, "completed");
}

/// What is wrong with the whole does not hide where its parts stand.
#[tokio::test]
async fn a_status_is_told_before_what_is_in_its_way() {
    let db = TestDb::standalone().await;
    let app = MyApp::on(&db);
    super::knobs::fail(&db, "002_assign_roles").await;
    assert_eq!(app.run(["up"]).await.code, 1);
    let ran = app.run(["status", "--check"]).await;
    assert!(ran.code == 1 && ran.stdout.contains("partial ") && ran.stderr.contains("error: "), "{ran}");
}

/// What somebody else has written is shown, and not done: it could color, clear or retitle the terminal.
#[tokio::test]
async fn a_stored_error_gives_no_commands_to_the_terminal() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    app.run(["up"]).await;
    let odd = doc! { "$set": { "status": "failed", "error": "a\u{1b}[31mred\u{1b}]0;owned\u{7}\rb" } };
    db.collection::<Document>("migrations").update_one(doc! { "_id": HELD }, odd).await.unwrap();
    for words in [&["status"][..], &["validate"], &["show", HELD], &["deploy", "--lock-wait", "0s"]] {
        let ran = app.run(words.iter().chain(&["--color", "never"])).await;
        let is_command = |c: char| c.is_control() && c != '\n';
        assert!(!ran.stdout.contains(is_command) && !ran.stderr.contains(is_command), "{words:?}\n{ran}");
        assert!(words[0] == "deploy" || ran.stdout.contains("red"), "{words:?}\n{ran}");
    }
}
