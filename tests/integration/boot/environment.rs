//! Environment variables, including malformed ones.

use std::cell::RefCell;

use mongrate::Error;
use mongrate_tests::crash::ALL;
use mongrate_tests::stored::{collections, lease_is_free, migrator, record};
use mongrate_tests::{TestDb, Worker};

use super::variables;

#[tokio::test]
async fn malformed_variables_are_reported_together_before_the_first_read() {
    let db = TestDb::new().await;
    let environment = variables([
        ("MONGRATE_AUTO", "perhaps"),
        ("MONGRATE_FAIL_HARD", "false"),
        ("MONGRATE_LEASE_MS", "1s"),
        ("MONGRATE_TIMEOUT_MS", ""),
    ]);
    let error = migrator(&db, "module:boot").boot().variables(environment).await.unwrap_err();
    println!("{error}");
    let Error::Several { errors } = &error else { panic!("{error}") };
    let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert!(messages[0].starts_with("the environment variable MONGRATE_AUTO is 'perhaps', but takes true or false"));
    assert!(messages[1].starts_with("the environment variable MONGRATE_LEASE_MS is '1s', but takes a whole number"));
    assert_eq!(messages.len(), 2);
    assert!(db.commands().take().is_empty());
    assert!(collections(&db).await.is_empty());
}

/// The tables of the variables: for those who read the guide, and for those who read the API.
const TABLES: [&str; 2] =
    [include_str!("../../../docs/guide/running.md"), include_str!("../../../runtime/engine/src/migrator/boot.rs")];

#[tokio::test]
async fn the_tables_list_exactly_the_variables() {
    let asked = RefCell::new(Vec::new());
    let lookup = |name: &str| -> Option<&str> {
        asked.borrow_mut().push(name.to_owned());
        None
    };
    let client = mongodb::Client::with_uri_str("mongodb://127.0.0.1:1").await.unwrap();
    let _ = mongrate::Migrator::boot(client.database("nowhere")).variables(lookup);
    assert_eq!(asked.borrow().len(), 9);
    for table in TABLES {
        let rows = table.lines().filter_map(|line| line.trim_start_matches("/// ").strip_prefix("| `MONGRATE_"));
        let listed: Vec<_> = rows.map(|row| format!("MONGRATE_{}", row.split('`').next().unwrap())).collect();
        assert_eq!(listed, *asked.borrow());
    }
}

/// All that a process of its own says at a boot with these variables.
async fn boot(db: &TestDb, variables: &[(&str, &str)]) -> Vec<String> {
    let mut worker = Worker::start_with(variables, &["boot", db.uri(), db.name()]);
    let lines = worker.rest().await;
    assert!(worker.finish().await.success());
    lines
}

#[tokio::test]
async fn the_environment_of_the_process_is_read() {
    let db = TestDb::new().await;
    let refused = boot(&db, &[("MONGRATE_AUTO", "yes and no")]).await;
    assert!(refused[0].starts_with("ended Variable: the environment variable MONGRATE_AUTO is 'yes and no'"));
    let pending = boot(&db, &[("MONGRATE_AUTO", "no")]).await;
    assert!(pending[0].starts_with("ended Pending: 4 migrations are pending"), "{pending:?}");
    let pending = boot(&db, &[("MONGRATE_AUTO", "no"), ("MONGRATE_FAIL_HARD", "off")]).await;
    assert!(pending[0].starts_with("went on Pending") && pending[1] == "ended ok", "{pending:?}");
    assert!(collections(&db).await.is_empty());

    let applied = boot(&db, &[("MONGRATE_VERSION", "v7"), ("MONGRATE_ENV", "test")]).await;
    assert_eq!(applied.len(), ALL.len() + 1, "{applied:?}");
    let record = record(&db, ALL[0]).await.unwrap();
    assert_eq!(record.get_str("codebaseVersion").unwrap(), "v7");
    assert_eq!(record.get_str("environment").unwrap(), "test");
    assert_eq!(boot(&db, &[("MONGRATE_AUTO", "no")]).await, ["ended ok"]);
}

#[tokio::test]
async fn i6_a_process_that_is_stopped_does_not_continue() {
    let db = TestDb::new().await;
    let arguments = ["boot", db.uri(), db.name(), "nap", "body 001_first"];
    let mut worker = Worker::start_with(&[("MONGRATE_FAIL_HARD", "false")], &arguments);
    assert_eq!(worker.line().await.as_deref(), Some("halted at body 001_first"));
    worker.terminate();
    let lines = worker.rest().await;
    assert!(lines[0].starts_with("ended Interrupted"), "{lines:?}");
    assert!(lease_is_free(&db).await);
}
