//! `dry_run`: reports what a run would do, and leaves nothing behind (I4).

mod backfill;
mod collation;
mod each;
mod ends;
mod limits;
mod pairs;
mod schema;
mod unique;
mod writes;

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migrator::Up;
use mongrate::report::{Execution, Outcome};
use mongrate::{Error, Report};
use mongrate_tests::stored::{collections, fingerprint};

/// Runs it dry, and sees to it that nothing is left (I4): neither in the data nor in the indexes, and no transaction is open.
async fn rehearsed(db: &Database, up: Up) -> Result<Report, Error> {
    let before = everything(db).await;
    let result = up.dry_run(true).await;
    assert_eq!(everything(db).await, before);
    assert!(!collections(db).await.iter().any(|name| name.starts_with("migrations") && !before.0.contains(name)));
    for name in before.0.iter().filter(|name| before.2.contains_key(*name) && !name.starts_with("system.")) {
        let open = format!("an open transaction holds '{name}'");
        let index = doc! { "key": { "touched": 1 }, "name": "touched" };
        let create = doc! { "createIndexes": name, "indexes": [index], "maxTimeMS": 3000 };
        db.run_command(create).await.expect(&open);
        db.run_command(doc! { "dropIndexes": name, "index": "touched", "maxTimeMS": 3000 }).await.expect(&open);
    }
    let report = match &result {
        Ok(report) => Some(report),
        Err(error) => error.report(),
    };
    assert!(report.is_none_or(Report::is_dry_run));
    println!("{}", report.map_or_else(String::new, Report::to_string));
    result
}

type Everything = (Vec<String>, BTreeMap<String, String>, BTreeMap<String, Vec<Document>>);

/// Names, contents, indexes.
async fn everything(db: &Database) -> Everything {
    let names = collections(db).await;
    let mut indexes = BTreeMap::new();
    for name in &names {
        let Ok(cursor) = db.collection::<Document>(name).list_indexes().await else { continue };
        let found: Vec<_> = cursor.try_collect().await.unwrap();
        indexes.insert(name.clone(), found.into_iter().map(|index| index.keys).collect());
    }
    (names, fingerprint(db).await, indexes)
}

/// The execution of the migration with this name in its source.
fn of<'r>(report: &'r Report, name: &str) -> &'r Execution {
    report
        .executions()
        .find(|execution| execution.id.ends_with(name))
        .unwrap_or_else(|| panic!("no {name} in {report}"))
}

/// The reason for not being simulated.
fn reason<'r>(report: &'r Report, name: &str) -> &'r str {
    match &of(report, name).outcome {
        Outcome::NotSimulated { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn would_apply(report: &Report, name: &str) -> bool {
    matches!(of(report, name).outcome, Outcome::WouldApply)
}
