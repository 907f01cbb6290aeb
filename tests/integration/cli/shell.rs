//! The menu, walked through with keys.

use mongodb::bson::doc;
use mongrate_tests::terminal::key;
use mongrate_tests::{MyApp, Terminal, TestDb, stored};

use super::knobs::{HELD, fail, held, hold};

/// A terminal with the menu.
async fn opened(app: &MyApp) -> Terminal {
    let terminal = Terminal::of(app, 100, &["shell"]);
    terminal.shows("❯ Status").await;
    terminal
}

/// Goes down to an entry of the menu that is open, and takes it.
async fn take(terminal: &mut Terminal, entry: &str) {
    for _ in 0..20 {
        terminal.shows("❯ ").await;
        let marked = marked(&terminal.text());
        if marked.as_ref().is_some_and(|marked| marked.contains(entry)) {
            return terminal.answer(key::ENTER).await;
        }
        terminal.answer(key::DOWN).await;
        let moved = |text: &str| self::marked(text).is_some_and(|now| Some(now) != marked);
        terminal.shows_what("the mark at the next entry", moved).await;
    }
    panic!("'{entry}' is not in the menu\n{terminal}");
}

/// The entry at which the mark is.
fn marked(text: &str) -> Option<String> {
    text.lines().rev().find_map(|line| line.strip_prefix("❯ ")).map(str::to_owned)
}

#[tokio::test]
async fn everything_can_be_done_from_the_menu() {
    let db = TestDb::new().await;
    let mut terminal = opened(&MyApp::on(&db)).await;
    assert!(terminal.text().contains(&format!("{}: 0 completed, 5 pending, 1 manual.", db.name())), "{terminal}");
    assert!(!terminal.text().contains("Revert"), "there is nothing to revert\n{terminal}");

    take(&mut terminal, "Status").await;
    terminal.shows("$ my-app migrate status").await;
    terminal.shows("0 completed, 5 pending, 1 manual.\n`my-app migrate up` applies").await;

    take(&mut terminal, "Dry run of all pending migrations").await;
    terminal.shows("$ my-app migrate up --dry-run").await;
    terminal.shows("Dry run: 4 would be applied, 1 could not be simulated; nothing was changed.").await;
    assert_eq!(stored::collections(&db).await, [""; 0]);

    take(&mut terminal, "Apply all pending migrations (5)").await;
    terminal.shows("5 completed, 0 pending, 1 manual.").await;
    assert_eq!(stored::count(&db, "menu", doc! { "cents": 0 }).await, 1);

    take(&mut terminal, "Revert the last migration (module:menu:002_prices)").await;
    terminal.shows("Revert 1 migration? [y/N]").await;
    terminal.line("n").await;
    terminal.shows("Nothing was changed.").await;
    assert_eq!(stored::count(&db, "menu", doc! { "cents": 0 }).await, 1);

    take(&mut terminal, "Revert the last migration").await;
    terminal.shows_what("the question again", |text| text.trim_end().ends_with("Revert 1 migration? [y/N]:")).await;
    terminal.line("yes").await;
    terminal.shows("4 completed, 1 pending, 1 manual.").await;
    assert_eq!(stored::count(&db, "menu", doc! { "cents": 0 }).await, 0);
    assert_eq!(stored::count(&db, "menu", doc! {}).await, 1);

    take(&mut terminal, "Quit").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn one_is_chosen_from_a_list() {
    let db = TestDb::new().await;
    let mut terminal = opened(&MyApp::on(&db)).await;
    take(&mut terminal, "Apply one migration ...").await;
    terminal.shows("Which migration?").await;
    take(&mut terminal, "004_shrink_orders  Shrinks the orders").await;
    // A manual one, with what it depends on.
    terminal.shows("4 completed, 2 pending.").await;
    assert_eq!(stored::status(&db, "004_shrink_orders").await, "completed");

    take(&mut terminal, "Show a migration ...").await;
    terminal.shows("Which migration?").await;
    take(&mut terminal, "003_lower_emails").await;
    terminal.shows("needed by   004_shrink_orders").await;

    // Esc leads back, and out.
    take(&mut terminal, "Show a migration ...").await;
    terminal.shows("Which migration?").await;
    terminal.answer(key::ESCAPE).await;
    terminal.shows("What now?").await;
    terminal.answer(key::ESCAPE).await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn a_batch_is_reverted_as_one() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    assert_eq!(app.run(["up", "001_create_users"]).await.code, 0);
    assert_eq!(app.run(["up"]).await.code, 0);
    let mut terminal = opened(&app).await;
    take(&mut terminal, "Revert the last batch (4)").await;
    terminal.shows("Revert 4 migrations? [y/N]").await;
    terminal.line("yes").await;
    terminal.shows("1 completed, 4 pending, 1 manual.").await;
    // What is left is irreversible, and so it is not offered.
    terminal.shows("❯ Status").await;
    assert!(!terminal.text().lines().any(|line| line.starts_with("  Revert")), "{terminal}");
    terminal.answer("q").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn after_an_error_the_menu_comes_back() {
    let db = TestDb::new().await;
    fail(&db, HELD).await;
    let mut terminal = opened(&MyApp::on(&db)).await;
    take(&mut terminal, "Apply all").await;
    terminal.shows("error: migration '003_lower_emails' failed").await;
    terminal.shows("2 completed, 3 pending (1 failed), 1 manual.").await;
    take(&mut terminal, "Quit").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn the_lock_is_taken_away_with_a_reason() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let holder = held(&app, &db).await;
    let mut terminal = opened(&app).await;
    let entry = format!("Release the lock of process {}", holder.pid());
    // Without a reason it is not done.
    take(&mut terminal, &entry).await;
    terminal.shows("Reason for the history").await;
    terminal.answer(key::ENTER).await;
    terminal.shows("❯ Status").await;
    assert!(!stored::lease_is_free(&db).await);

    take(&mut terminal, &entry).await;
    terminal.shows_what("a second question", |text| text.matches("Reason for the history").count() == 2).await;
    terminal.answer("it hangs").await;
    terminal.answer(key::ENTER).await;
    terminal.shows("Release the lock? [y/N]").await;
    terminal.line("yes").await;
    terminal.shows("Released the lock of process").await;
    let ran = holder.finish().await;
    assert_eq!(ran.code, 3, "{ran}");
    assert_eq!(stored::count(&db, "migrations_history", doc! { "act": "unlock", "because": "it hangs" }).await, 1);
    terminal.shows("❯ Status").await;
    terminal.answer("q").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn ctrl_c_leaves_wherever_it_is() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let mut terminal = opened(&app).await;
    terminal.answer(key::CTRL_C).await;
    assert_eq!(terminal.finish().await, 130, "{terminal}");

    hold(&db, HELD).await;
    let mut terminal = opened(&app).await;
    take(&mut terminal, "Apply all").await;
    terminal.shows("applying 003_lower_emails").await;
    terminal.press(key::CTRL_C);
    assert_eq!(terminal.finish().await, 130, "{terminal}");
    assert!(stored::lease_is_free(&db).await);
}

#[tokio::test]
async fn in_production_nothing_is_reverted_by_menu() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db).with("MONGRATE_ENV", "production");
    assert_eq!(app.run(["up"]).await.code, 0);
    let mut terminal = opened(&app).await;
    assert!(
        terminal.text().contains(&format!("{} (production): 5 completed, 0 pending, 1 manual.", db.name())),
        "{terminal}"
    );
    take(&mut terminal, "Revert the last migration").await;
    terminal.shows("error: the environment 'production' requires `--yes`").await;
    terminal.shows("❯ Status").await;
    assert_eq!(stored::count(&db, "menu", doc! { "cents": 0 }).await, 1);
    terminal.answer("q").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn without_a_terminal_there_is_no_menu() {
    let db = TestDb::new().await;
    let ran = MyApp::on(&db).run(["shell"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.starts_with("error: the shell needs a terminal\nhelp: `my-app migrate --help`"), "{ran}");

    let mut terminal = Terminal::of(&MyApp::on(&db), 100, &["shell", "--format", "json"]);
    assert_eq!(terminal.finish().await, 2, "{terminal}");
}
