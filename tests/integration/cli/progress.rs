//! What is under way, while it is: on a terminal and in a log.

use mongodb::bson::{Document, doc};
use mongrate_tests::terminal::{Color, key};
use mongrate_tests::{FailPoint, MyApp, Terminal, TestDb, stored};
use serde_json::Value;

use super::knobs::{self, HELD, fail, hold, mend};

/// A terminal at which a run has come to a step that waits.
async fn held(db: &TestDb, words: &[&str]) -> Terminal {
    hold(db, HELD).await;
    let terminal = Terminal::of(&MyApp::on(db), 100, words);
    terminal.shows("[3/5] applying 003_lower_emails").await;
    terminal
}

/// The lines of a text that contain this.
fn lines(text: &str, what: &str) -> Vec<String> {
    text.lines().filter(|line| line.contains(what)).map(|line| line.trim().to_owned()).collect()
}

#[tokio::test]
async fn the_step_under_way_moves_and_those_before_it_stay() {
    let db = TestDb::new().await;
    let mut terminal = held(&db, &["up"]).await;
    assert_eq!(lines(&terminal.text(), "applied").len(), 2, "{terminal}");
    // Its time goes on.
    terminal.shows("applying 003_lower_emails  1.").await;
    assert_eq!(lines(&terminal.text(), "applying").len(), 1, "{terminal}");

    mend(&db, HELD).await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
    let text = terminal.text();
    assert_eq!(lines(&text, "applying"), [""; 0], "{terminal}");
    let applied = lines(&text, "] applied ");
    let begin = |line: &str| line.rsplit_once("  ").map(|(begin, _)| begin.to_owned()).unwrap_or_default();
    assert_eq!(
        applied.iter().map(|line| begin(line)).collect::<Vec<_>>(),
        [
            "✓ [1/5] applied  001_create_users",
            "✓ [2/5] applied  002_assign_roles",
            "✓ [3/5] applied  003_lower_emails",
            "✓ [4/5] applied  module:menu:001_namespace",
            "✓ [5/5] applied  module:menu:002_prices",
        ]
    );
    assert!(text.trim_end().ends_with("Applied 5."), "{terminal}");
    assert_eq!(terminal.color_of("✓"), Color::Idx(2));
}

#[tokio::test]
async fn what_a_body_did_last_is_told() {
    let db = TestDb::new().await;
    let users = db.collection::<Document>("users");
    users.insert_many(["ana", "ben", "cho"].map(|name| doc! { "email": name })).await.unwrap();
    assert_eq!(MyApp::on(&db).run(["up", "001_create_users"]).await.code, 0);
    // Its record: narrowed to this database, since nobody knows the application name of a run beforehand.
    let records = format!("{}.migrations", db.name());
    let slow = doc! { "failCommands": ["insert"], "namespace": records, "blockConnection": true, "blockTimeMS": 1_500 };
    let _slow = FailPoint::named("failCommand", doc! { "times": 1 }, db.uri(), slow).await;
    let mut terminal = Terminal::of(&MyApp::on(&db), 120, &["up", "002_assign_roles"]);
    terminal.shows("users: update_many, 3 matched, 3 modified (2 operations)").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn a_line_that_moves_is_one_line() {
    let db = TestDb::new().await;
    hold(&db, HELD).await;
    let mut terminal = Terminal::of(&MyApp::on(&db), 30, &["up"]);
    terminal.shows("[3/5] applying 003_low").await;
    let before = terminal.text();
    terminal.shows_what("the next picture of the spinner", |now| now != before).await;
    assert_eq!(lines(&terminal.text(), "applying").len(), 1, "{terminal}");
    mend(&db, HELD).await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
    assert_eq!(lines(&terminal.text(), "applying"), [""; 0], "{terminal}");
}

#[tokio::test]
async fn who_waits_says_for_whom() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let first = knobs::held(&app, &db).await;
    let mut second = Terminal::of(&app, 100, &["up"]);
    second.shows(&format!("waiting for process {}", first.pid())).await;
    let third = app.start(["up"]);
    third.says(&format!("waiting for process {}", first.pid())).await;

    mend(&db, HELD).await;
    assert_eq!(second.finish().await, 0, "{second}");
    assert_eq!(lines(&second.text(), "waiting"), [""; 0], "{second}");
    let (first, third) = (first.finish().await, third.finish().await);
    assert_eq!((first.code, third.code), (0, 0), "{first}\n{third}");
    // Whoever came too late has only waited.
    assert!(third.stdout.contains("Another process has done everything"), "{third}");
}

#[tokio::test]
async fn ctrl_c_ends_a_run_in_good_order() {
    let db = TestDb::new().await;
    let mut terminal = held(&db, &["up"]).await;
    terminal.press(key::CTRL_C);
    assert_interrupted(&db, &mut terminal).await;
}

#[tokio::test]
async fn so_does_a_request_to_terminate() {
    let db = TestDb::new().await;
    let mut terminal = held(&db, &["up"]).await;
    terminal.terminate();
    assert_interrupted(&db, &mut terminal).await;
}

async fn assert_interrupted(db: &TestDb, terminal: &mut Terminal) {
    // This sees to it that the terminal has its cursor and its echo.
    assert_eq!(terminal.finish().await, 130, "{terminal}");
    let text = terminal.text();
    assert!(text.contains("stopped  003_lower_emails after"), "{terminal}");
    assert!(text.contains("not run  module:menu:002_prices"), "{terminal}");
    assert!(text.contains("error: the run was interrupted"), "{terminal}");
    assert_eq!(lines(&text, "applying"), [""; 0], "{terminal}");
    assert!(stored::lease_is_free(db).await);
    assert_eq!(stored::status(db, "002_assign_roles").await, "completed");
    assert_eq!(stored::count(db, "menu", doc! {}).await, 0);
}

#[tokio::test]
async fn who_waits_can_be_interrupted() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let first = knobs::held(&app, &db).await;
    let mut second = Terminal::of(&app, 100, &["up"]);
    second.shows("waiting for process").await;
    second.press(key::CTRL_C);
    assert_eq!(second.finish().await, 130, "{second}");
    assert!(!second.text().contains("Nothing is pending"), "{second}");
    mend(&db, HELD).await;
    let first = first.finish().await;
    assert_eq!(first.code, 0, "{first}");
}

#[tokio::test]
async fn a_failure_is_red_and_says_why() {
    let db = TestDb::new().await;
    fail(&db, HELD).await;
    let mut terminal = Terminal::of(&MyApp::on(&db), 120, &["up"]);
    assert_eq!(terminal.finish().await, 1, "{terminal}");
    let failed = lines(&terminal.text(), "✗ [3/5] failed   003_lower_emails");
    assert!(failed[0].ends_with("could not write the users: the disk is full"), "{terminal}");
    assert_eq!(terminal.color_of("✗"), Color::Idx(1));
    assert_eq!(terminal.color_of("error"), Color::Idx(1));
    // Once while it ran, and once in the end.
    assert_eq!(lines(&terminal.text(), "003_lower_emails").iter().filter(|line| line.contains("disk")).count(), 2);
}

#[tokio::test]
async fn what_is_reverted_is_shown_as_well() {
    let db = TestDb::new().await;
    assert_eq!(MyApp::on(&db).run(["up"]).await.code, 0);
    let mut terminal = Terminal::of(&MyApp::on(&db), 100, &["down", "--yes", "--steps", "2"]);
    assert_eq!(terminal.finish().await, 0, "{terminal}");
    assert_eq!(lines(&terminal.text(), "✓ [1/2] reverted module:menu:002_prices").len(), 1, "{terminal}");
    assert_eq!(lines(&terminal.text(), "✓ [2/2] reverted module:menu:001_namespace").len(), 1, "{terminal}");
}

#[tokio::test]
async fn a_log_gets_plain_lines() {
    let db = TestDb::new().await;
    hold(&db, HELD).await;
    let run = MyApp::on(&db).start(["up"]);
    // As they happen, and not in the end.
    run.says("applied  002_assign_roles in ").await;
    mend(&db, HELD).await;
    let ran = run.finish().await;
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(ran.stdout, "Applied 5.\n");
    let (ids, places): (Vec<_>, Vec<_>) = ran.stderr.lines().map(parts).unzip();
    assert_eq!(
        ids,
        [
            "applied  001_create_users",
            "applied  002_assign_roles",
            "applied  003_lower_emails",
            "applied  module:menu:001_namespace",
            "applied  module:menu:002_prices"
        ]
    );
    assert_eq!(places, ["(1/5)", "(2/5)", "(3/5)", "(4/5)", "(5/5)"]);
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
}

/// `applied  001_create_users in 12 ms (1/5)` without the time.
fn parts(line: &str) -> (&str, &str) {
    let (id, rest) = line.split_once(" in ").unwrap_or((line, ""));
    (id, rest.rsplit(' ').next().unwrap_or_default())
}

#[tokio::test]
async fn a_log_tells_that_a_run_was_told_to_stop() {
    let db = TestDb::new().await;
    let run = knobs::held(&MyApp::on(&db), &db).await;
    run.terminate();
    let ran = run.finish().await;
    assert_eq!(ran.code, 130, "{ran}");
    assert!(ran.stderr.contains("stopped  003_lower_emails after"), "{ran}");
}

#[tokio::test]
async fn who_wants_no_progress_gets_none() {
    let db = TestDb::new().await;
    let ran = MyApp::on(&db).run(["up", "--quiet"]).await;
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""), "{ran}");

    let db = TestDb::new().await;
    hold(&db, HELD).await;
    let mut terminal = Terminal::of(&MyApp::on(&db), 100, &["up", "--quiet"]);
    mongrate_tests::eventually("the second one", async || {
        (stored::status(&db, "002_assign_roles").await == "completed").then_some(())
    })
    .await;
    mend(&db, HELD).await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
    assert_eq!(terminal.text().trim(), "");
}

#[tokio::test]
async fn a_document_is_not_disturbed_by_progress() {
    let db = TestDb::new().await;
    let ran = MyApp::on(&db).run(["up", "--format", "json"]).await;
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["executions"].as_array().map(Vec::len), Some(5), "{ran}");
    assert!(ran.stderr.contains("applied  001_create_users in "), "{ran}");
}

#[tokio::test]
async fn nothing_moves_beside_a_log() {
    let db = TestDb::new().await;
    hold(&db, HELD).await;
    let mut terminal = Terminal::of(&MyApp::on(&db), 200, &["up", "-v"]);
    terminal.shows("applied  002_assign_roles in ").await;
    mend(&db, HELD).await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
    assert!(!terminal.text().contains('✓'), "{terminal}");
    assert_eq!(terminal.too_long(), [""; 0], "{terminal}");
}

#[tokio::test]
async fn a_dry_run_says_that_it_is_one() {
    let db = TestDb::new().await;
    db.collection::<Document>("users").insert_one(doc! { "email": "ana" }).await.unwrap();
    let slow = doc! { "failCommands": ["update"], "blockConnection": true, "blockTimeMS": 1_000 };
    let _slow = FailPoint::times(1, &db, slow).await;
    let app = MyApp::anywhere().at(&format!("{}&appName={}", MyApp::uri(&db), db.app_name()));
    let mut terminal = Terminal::of(&app, 100, &["up", "--dry-run"]);
    terminal.shows("dry run  ").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
    assert_eq!(lines(&terminal.text(), "dry run  "), [""; 0], "{terminal}");
}
