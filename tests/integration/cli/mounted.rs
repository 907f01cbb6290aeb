//! The command line inside another one.

use mongodb::bson::doc;
use mongrate_tests::stored::count;
use mongrate_tests::{MyApp, TestDb};

#[tokio::test]
async fn it_works_below_other_commands() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db).called(&["tools", "db"]);
    let ran = app.run(["status"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("0 completed, 5 pending, 1 manual."), "{ran}");
    assert!(ran.stderr.contains("`my-app tools db up`"), "{ran}");
    let ran = app.run(["up"]).await;
    assert_eq!((ran.code, count(&db, "migrations", doc! { "status": "completed" }).await), (0, 5), "{ran}");
}

/// Also where an option comes before the command, and in what clap says by itself.
#[tokio::test]
async fn examples_are_called_as_it_was() {
    let db = TestDb::new().await;
    let app = MyApp::anywhere().called(&["tools", "db"]).with("MONGODB_URI", &MyApp::uri(&db));
    for (words, said) in [
        ("show 02_assign_roles", "`my-app tools db status`"),
        ("--quiet show 02_assign_roles", "`my-app tools db status`"),
        ("history --limit 0", "`my-app tools db history --limit 500 --skip 500`"),
        ("down --yes 007_nobody", "`my-app tools db status`"),
        ("sattus", "Usage: my-app tools db "),
        ("up --timeout", "'--help'"),
        ("help up", "Usage: my-app tools db up"),
    ] {
        let ran = app.run(words.split(' ')).await;
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains(said) && !told.contains("migrate up"), "{words}\n{ran}");
    }
}

#[tokio::test]
async fn the_applications_own_commands_stay_its_own() {
    let ran = MyApp::anywhere().called(&["tools"]).run(["hello"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "hello\n"), "{ran}");
    // `migrate` is a word like any other, unless it comes first.
    let ran = MyApp::anywhere().called(&["tools"]).run(["hello", "migrate"]).await;
    assert_eq!(ran.code, 2, "{ran}");
}
