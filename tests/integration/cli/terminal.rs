//! At a terminal: colours, widths and questions.

use mongodb::bson::{Document, doc};
use mongrate_tests::terminal::{Color, key};
use mongrate_tests::{MyApp, Terminal, TestDb, stored};

use super::knobs::{IDS, held};

const GREEN: Color = Color::Idx(2);
const YELLOW: Color = Color::Idx(3);

/// A database where `up` has run: the menu's prices are in cents, and that was done last.
async fn migrated() -> TestDb {
    let db = TestDb::new().await;
    let ran = MyApp::on(&db).run(["up"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(has_cents(&db).await);
    db
}

async fn has_cents(db: &TestDb) -> bool {
    stored::count(db, "menu", doc! { "cents": { "$exists": true } }).await > 0
}

/// What the application shows at a terminal of 100 columns until it ends.
async fn shown(app: &MyApp, words: &[&str]) -> Terminal {
    let mut terminal = Terminal::of(app, 100, words);
    assert_eq!(terminal.finish().await, 0, "{terminal}");
    terminal
}

#[tokio::test]
async fn a_status_is_told_by_colour_and_by_word() {
    let db = migrated().await;
    assert_eq!(MyApp::on(&db).run(["down", "--yes"]).await.code, 0);
    let terminal = shown(&MyApp::on(&db), &["status"]).await;
    assert_eq!(terminal.color_of("completed  "), GREEN, "{terminal}");
    assert_eq!(terminal.color_of("rolled back"), YELLOW, "{terminal}");
    assert_eq!(terminal.color_of("001_create_users"), Color::Default, "{terminal}");
}

#[tokio::test]
async fn without_colours_when_they_are_not_wanted() {
    let db = migrated().await;
    let app = MyApp::on(&db);
    assert!(!shown(&app.clone().with("NO_COLOR", "1"), &["status"]).await.has_colours());
    assert!(!shown(&app, &["status", "--color", "never"]).await.has_colours());
    assert!(!shown(&app.clone().with("TERM", "dumb"), &["status"]).await.has_colours());
    // As https://no-color.org says.
    assert!(shown(&app.with("NO_COLOR", ""), &["status"]).await.has_colours());
}

#[tokio::test]
async fn the_option_decides_before_the_environment_and_the_terminal() {
    let db = migrated().await;
    let app = MyApp::on(&db);
    assert!(shown(&app.clone().with("NO_COLOR", "1"), &["status", "--color", "always"]).await.has_colours());
    let piped = app.run(["status"]).await;
    assert!(!piped.stdout.contains('\u{1b}'), "{piped}");
    let piped = app.run(["status", "--color", "always"]).await;
    assert!(piped.stdout.contains("\u{1b}[32mcompleted"), "{piped}");
}

#[tokio::test]
async fn tables_are_as_wide_as_the_terminal_at_most() {
    let db = migrated().await;
    for columns in [60, 80, 120] {
        for command in ["status", "history", "pending", "version", "plan"] {
            let mut terminal = Terminal::of(&MyApp::on(&db), columns, &[command]);
            assert_eq!(terminal.finish().await, 0, "{terminal}");
            assert_eq!(terminal.too_long(), [""; 0], "{command} in {columns} columns\n{terminal}");
        }
        let mut terminal = Terminal::of(&MyApp::on(&db), columns, &["status"]);
        terminal.finish().await;
        for id in IDS {
            assert!(terminal.text().contains(id), "{id} is in pieces\n{terminal}");
        }
    }
}

#[tokio::test]
async fn no_is_no() {
    let db = migrated().await;
    let before = stored::fingerprint(&db).await;
    // Enter alone is a no, as the question says.
    for answer in ["n", "", "maybe", "yes, no"] {
        let mut terminal = Terminal::of(&MyApp::on(&db), 100, &["down"]);
        terminal.shows("Revert 1 migration? [y/N]").await;
        assert!(terminal.text().contains("1. module:menu:002_prices: Prices are in cents."), "{terminal}");
        terminal.line(answer).await;
        assert_eq!(terminal.finish().await, 1, "{terminal}");
        assert!(terminal.text().contains("Nothing was changed."), "{terminal}");
    }
    assert_eq!(stored::fingerprint(&db).await, before);
}

#[tokio::test]
async fn yes_is_yes() {
    let db = migrated().await;
    let mut terminal = Terminal::of(&MyApp::on(&db), 100, &["down"]);
    terminal.shows("Revert 1 migration?").await;
    terminal.line("y").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
    assert!(terminal.text().contains("Reverted 1."), "{terminal}");
    assert!(!has_cents(&db).await);
}

#[tokio::test]
async fn a_question_can_be_interrupted() {
    let db = migrated().await;
    let before = stored::fingerprint(&db).await;
    let app = MyApp::on(&db);
    for by_key in [true, false] {
        let mut terminal = Terminal::of(&app, 100, &["down"]);
        terminal.shows("Revert 1 migration?").await;
        if by_key {
            terminal.answer(key::CTRL_C).await;
        } else {
            terminal.terminate();
        }
        // This sees to it that the terminal has its cursor and its echo again.
        assert_eq!(terminal.finish().await, 130, "{terminal}");
        assert!(terminal.text().contains("error: interrupted; nothing was changed"), "{terminal}");
    }
    assert_eq!(stored::fingerprint(&db).await, before);
}

#[tokio::test]
async fn everything_that_is_hard_to_undo_asks() {
    let db = migrated().await;
    let mut orphan = stored::record(&db, "module:menu:002_prices").await.unwrap();
    orphan.insert("_id", "000_removed");
    db.collection::<Document>("migrations").insert_one(orphan).await.unwrap();
    let before = stored::fingerprint(&db).await;
    for (words, question) in [
        (&["down", "module:menu:002_prices"][..], "Revert 1 migration?"),
        (&["mark", "applied", "004_shrink_orders"], "Mark as applied: 004_shrink_orders?"),
        (&["mark", "pending", "003_lower_emails"], "Mark as pending: 003_lower_emails?"),
        (&["prune", "000_removed"], "Remove the record of '000_removed'?"),
    ] {
        let mut terminal = Terminal::of(&MyApp::on(&db), 100, words);
        terminal.shows(question).await;
        terminal.line("n").await;
        assert_eq!(terminal.finish().await, 1, "{terminal}");
    }
    assert_eq!(stored::fingerprint(&db).await, before);
}

#[tokio::test]
async fn taking_the_lock_away_asks() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let holder = held(&app, &db).await;

    let release = ["lock", "release", "--because", "it hangs"];
    let mut terminal = Terminal::of(&app, 100, &release);
    terminal.shows("Release the lock?").await;
    assert!(terminal.text().contains(&format!("process {}", holder.pid())), "{terminal}");
    terminal.line("n").await;
    assert_eq!(terminal.finish().await, 1, "{terminal}");
    assert!(!stored::lease_is_free(&db).await);

    let mut terminal = Terminal::of(&app, 100, &release);
    terminal.shows("Release the lock?").await;
    terminal.line("y").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
    let ran = holder.finish().await;
    assert_eq!(ran.code, 3, "{ran}");
}

#[tokio::test]
async fn yes_can_be_said_before() {
    let db = migrated().await;
    let terminal = shown(&MyApp::on(&db), &["down", "--yes"]).await;
    assert!(!terminal.text().contains("[y/N]"), "{terminal}");
    assert!(!has_cents(&db).await);
}

#[tokio::test]
async fn in_production_a_question_is_not_enough() {
    let db = migrated().await;
    let app = MyApp::on(&db).with("MONGRATE_ENV", "production");
    let mut terminal = Terminal::of(&app, 100, &["down"]);
    assert_eq!(terminal.finish().await, 2, "{terminal}");
    assert!(terminal.text().contains("error: the environment 'production'"), "{terminal}");
    assert!(has_cents(&db).await);

    shown(&app, &["down", "--yes"]).await;
    assert!(!has_cents(&db).await);
}

#[tokio::test]
async fn without_a_terminal_there_is_nobody_to_ask() {
    let db = migrated().await;
    let ran = MyApp::on(&db).run(["down"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(
        ran.stderr.contains("confirmation is required, but there is no terminal\nhelp: confirm with `--yes`"),
        "{ran}"
    );
    assert!(has_cents(&db).await);
}
