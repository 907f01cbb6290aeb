//! The menu, walked through with keys.

use mongodb::bson::doc;
use mongrate_tests::terminal::key;
use mongrate_tests::{MyApp, Terminal, TestDb, stored};

use super::knobs::{fail, hold};

/// A terminal with the menu.
async fn opened(app: &MyApp) -> Terminal {
    let terminal = Terminal::of(app, 100, &["shell"]);
    terminal.shows("❯ Status").await;
    terminal
}

/// Goes down to an entry of the menu that is open, and takes it.
async fn take(terminal: &mut Terminal, entry: &str) {
    terminal.shows(entry).await;
    let mark = format!("❯ {entry}");
    for _ in 0..20 {
        if terminal.text().contains(&mark) {
            return terminal.press(key::ENTER);
        }
        let before = terminal.text();
        terminal.press(key::DOWN);
        terminal.shows_what("the next entry", |now| now != before && now.contains('❯')).await;
    }
    panic!("'{entry}' is not in the menu\n{terminal}");
}

#[tokio::test]
async fn everything_can_be_done_from_the_menu() {
    let db = TestDb::new().await;
    let mut terminal = opened(&MyApp::on(&db)).await;
    assert!(terminal.text().contains(&format!("{}: 0 completed, 6 pending.", db.name())), "{terminal}");
    assert!(!terminal.text().contains("Revert"), "there is nothing to revert\n{terminal}");

    take(&mut terminal, "Status").await;
    terminal.shows("$ my-app migrate status").await;
    terminal.shows("0 completed, 6 pending.\n`my-app migrate up` applies").await;

    take(&mut terminal, "See what applying everything would do").await;
    terminal.shows("$ my-app migrate up --dry-run").await;
    terminal.shows_what("the menu again", |text| text.matches("0 completed, 6 pending").count() >= 4).await;
    assert_eq!(stored::collections(&db).await, [""; 0]);

    take(&mut terminal, "Apply everything that is pending (5)").await;
    terminal.shows("5 completed, 1 pending.").await;
    assert_eq!(stored::count(&db, "menu", doc! { "cents": 0 }).await, 1);

    take(&mut terminal, "Revert the last one (module:menu:002_prices)").await;
    terminal.shows("Revert 1 migration? [y/N]").await;
    terminal.press("n");
    terminal.shows("Nothing was changed.").await;
    assert_eq!(stored::count(&db, "menu", doc! { "cents": 0 }).await, 1);

    take(&mut terminal, "Revert the last one").await;
    terminal.shows_what("the question again", |text| text.contains("Revert 1 migration? [y/N]")).await;
    terminal.press("y");
    terminal.shows("4 completed, 2 pending.").await;
    assert_eq!(stored::count(&db, "menu", doc! { "cents": 0 }).await, 0);
    assert_eq!(stored::count(&db, "menu", doc! {}).await, 1);

    take(&mut terminal, "Leave").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn one_is_chosen_from_a_list() {
    let db = TestDb::new().await;
    let mut terminal = opened(&MyApp::on(&db)).await;
    take(&mut terminal, "Apply one ...").await;
    terminal.shows("Which one?").await;
    take(&mut terminal, "004_shrink_orders  Shrinks the orders").await;
    // A manual one, with what it depends on.
    terminal.shows("4 completed, 2 pending.").await;
    assert_eq!(stored::status(&db, "004_shrink_orders").await, "completed");

    take(&mut terminal, "Show one ...").await;
    terminal.shows("Which one?").await;
    take(&mut terminal, "003_lower_emails").await;
    terminal.shows("needed by   004_shrink_orders").await;

    // Esc leads back, and out.
    take(&mut terminal, "Show one ...").await;
    terminal.shows("Which one?").await;
    terminal.press(key::ESCAPE);
    terminal.shows("❯ Status").await;
    terminal.press(key::ESCAPE);
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
    terminal.press("y");
    terminal.shows("1 completed, 5 pending.").await;
    // What is left is irreversible, and so it is not offered.
    terminal.shows("❯ Status").await;
    assert!(!terminal.text().lines().any(|line| line.starts_with("  Revert")), "{terminal}");
    terminal.press("q");
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn after_an_error_the_menu_comes_back() {
    let db = TestDb::new().await;
    fail(&db, "003_lower_emails").await;
    let mut terminal = opened(&MyApp::on(&db)).await;
    take(&mut terminal, "Apply everything").await;
    terminal.shows("error: migration '003_lower_emails' failed").await;
    terminal.shows("2 completed, 4 pending, 1 of them failed.").await;
    take(&mut terminal, "Leave").await;
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn the_lock_is_taken_away_with_a_reason() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    hold(&db, "003_lower_emails").await;
    let holder = app.start(["up"]);
    holder.says("applied  002_assign_roles").await;
    let mut terminal = opened(&app).await;
    let entry = format!("Take the lock away from process {}", holder.pid());
    // Without a reason it is not done.
    take(&mut terminal, &entry).await;
    terminal.shows("Why, for the history?").await;
    terminal.press(key::ENTER);
    terminal.shows("❯ Status").await;
    assert!(!stored::lease_is_free(&db).await);

    take(&mut terminal, &entry).await;
    terminal.shows_what("a second question", |text| text.matches("Why, for the history?").count() == 2).await;
    terminal.press("it hangs");
    terminal.press(key::ENTER);
    terminal.shows("Take the lock away? [y/N]").await;
    terminal.press("y");
    terminal.shows("Took the lock from process").await;
    let ran = holder.finish().await;
    assert_eq!(ran.code, 3, "{ran}");
    assert_eq!(stored::count(&db, "migrations_history", doc! { "act": "unlock", "because": "it hangs" }).await, 1);
    terminal.shows("❯ Status").await;
    terminal.press("q");
    assert_eq!(terminal.finish().await, 0, "{terminal}");
}

#[tokio::test]
async fn ctrl_c_leaves_wherever_it_is() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db);
    let mut terminal = opened(&app).await;
    terminal.press(key::CTRL_C);
    assert_eq!(terminal.finish().await, 130, "{terminal}");

    hold(&db, "003_lower_emails").await;
    let mut terminal = opened(&app).await;
    take(&mut terminal, "Apply everything").await;
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
    assert!(terminal.text().contains(&format!("{} (production): 5 completed", db.name())), "{terminal}");
    take(&mut terminal, "Revert the last one").await;
    terminal.shows("error: this is the environment 'production', where this needs `--yes`").await;
    terminal.shows("❯ Status").await;
    assert_eq!(stored::count(&db, "menu", doc! { "cents": 0 }).await, 1);
    terminal.press("q");
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
