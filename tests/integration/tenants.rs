//! Migrating many databases.

mod bounds;
mod filter;
mod stopping;

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::migrator::{DatabaseFilter, ForEach};
use mongrate::{Error, Migrator, Registry, Tx, migration};
use mongrate_tests::stored::{
    collections, documents, history, lease_is_free, migrator, record, status, step, steps, tell, told,
};
use mongrate_tests::{TestDb, Worker, fleet};

use crate::logs::Logs;

/// A run over a test's own tenants.
fn for_each(db: &TestDb, source: &str) -> ForEach {
    over(db, DatabaseFilter::prefix(db.tenants()), source)
}

fn over(db: &TestDb, filter: DatabaseFilter, source: &str) -> ForEach {
    let registry = Registry::linked().source(source);
    Migrator::for_each(db.client().clone(), filter).options(move |builder| builder.registry(registry.clone()))
}

/// Tenants that are there already, with something in them.
async fn existing<const N: usize>(db: &TestDb, names: [&str; N]) -> [Database; N] {
    let tenants = names.map(|name| db.tenant(name));
    for tenant in &tenants {
        tell(tenant, "something").await;
    }
    tenants
}

#[migration(id = "001_a", source = "module:tenants")]
async fn a(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "a").await?;
    anyhow::ensure!(!told(tx, "fail").await?, "told to fail");
    Ok(())
}

#[migration(id = "002_b", source = "module:tenants")]
async fn b(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "b").await?)
}

#[tokio::test]
async fn i6_a_failed_database_does_not_affect_the_others() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let db = TestDb::new().await;
    let [ana, bob, cyd] = existing(&db, ["ana", "bob", "cyd"]).await;
    tell(&bob, "fail").await;
    // One of them is up to date.
    migrator(&cyd, "module:tenants").build().unwrap().up().await.unwrap();

    let tenants = for_each(&db, "module:tenants").concurrency(1).await.unwrap();
    println!("{tenants}");
    assert_eq!(steps(&ana).await, ["a", "b"]);
    assert_eq!(steps(&bob).await, [""; 0]);
    assert_eq!(steps(&cyd).await, ["a", "b"]);
    assert_eq!(status(&bob, "module:tenants:001_a").await, "failed");
    assert_eq!(record(&bob, "module:tenants:002_b").await, None);
    for tenant in [&ana, &bob, &cyd] {
        assert!(lease_is_free(tenant).await);
    }
    // Nothing but the tenants was touched.
    assert!(collections(&db).await.is_empty());

    let names: Vec<_> = tenants.iter().map(|(name, _)| name).collect();
    assert_eq!(names, [ana.name(), bob.name(), cyd.name()]);
    assert_eq!(tenants.get(ana.name()).unwrap().unwrap().applied().count(), 2);
    assert!(tenants.get(cyd.name()).unwrap().unwrap().is_empty());
    assert!(tenants.get(db.name()).is_none());
    let [(name, error)] = tenants.failed().collect::<Vec<_>>()[..] else { panic!("{tenants}") };
    assert_eq!(name, bob.name());
    assert!(matches!(error, Error::Failed { .. }), "{error}");
    assert_eq!((tenants.len(), tenants.is_empty(), tenants.is_ok()), (3, false, false));
    let told = tenants.to_string();
    assert!(
        told.starts_with(&format!(
            "{}: applied 2\n{}: migration 'module:tenants:001_a' failed: told to fail. ",
            ana.name(),
            bob.name()
        )),
        "{told}"
    );
    assert!(told.ends_with("\n3 databases: 1 migrated, 1 with nothing to do, 1 failed."), "{told}");
    let error = tenants.into_result().unwrap_err();
    println!("{error}");
    let beginning =
        format!("1 of 3 databases could not be migrated:\n- {}: migration 'module:tenants:001_a' failed", bob.name());
    assert!(error.to_string().starts_with(&beginning), "{error}");

    // Which migration of which database, also when several are migrated at a time.
    let logs = logs.text();
    let span = format!("database{{name=\"{}\"}}:migration{{id=\"module:tenants:001_a\"", ana.name());
    assert!(logs.contains(&span), "{span} is missing in\n{logs}");
    assert!(!logs.contains("told to fail"), "what a body says may quote what is stored: {logs}");

    // Once it is repaired, the same run does the rest.
    mongrate_tests::stored::untell(&bob, "fail").await;
    let tenants = for_each(&db, "module:tenants").await.unwrap();
    assert!(tenants.is_ok());
    assert_eq!(tenants.into_result().unwrap()[bob.name()].applied().count(), 2);
    assert_eq!(steps(&bob).await, ["a", "b"]);
    assert_eq!(history(&ana, "module:tenants:001_a").await, ["completed"]);
}

#[tokio::test]
async fn a_hundred_databases_with_nothing_pending_take_one_command_each() {
    const COUNT: usize = 100;
    let db = TestDb::new().await;
    migrator(&db, "module:tenants").build().unwrap().up().await.unwrap();
    let records = documents(&db, "migrations").await;
    for number in 0..COUNT {
        db.tenant(&format!("{number:03}")).collection::<Document>("migrations").insert_many(&records).await.unwrap();
    }
    let _ = db.commands().take();
    let tenants = for_each(&db, "module:tenants").await.unwrap();
    let sent = db.commands().count();
    assert_eq!(sent.get("find"), Some(&COUNT), "{sent:?}");
    assert_eq!((sent.get("listDatabases"), sent.len()), (Some(&1), 2), "{sent:?}");
    assert_eq!((tenants.len(), tenants.is_ok()), (COUNT, true));
    assert_eq!(tenants.to_string(), "100 databases: 0 migrated, 100 with nothing to do, 0 failed.");
}

#[tokio::test]
async fn options_apply_to_all_databases() {
    let db = TestDb::new().await;
    let [ana, bob] = existing(&db, ["ana", "bob"]).await;
    tell(&bob, "fail").await;
    let registry = Registry::linked().source("module:tenants");
    let tenants = for_each(&db, "module:tenants")
        .options(move |builder| builder.registry(registry.clone()).actor("deploy 42").lease(Duration::from_secs(17)))
        .up(|up| up.continue_on_error(true))
        .await
        .unwrap();
    assert_eq!(tenants.failed().count(), 1, "{tenants}");
    assert_eq!(steps(&bob).await, ["b"]);
    for tenant in [&ana, &bob] {
        let applied = record(tenant, "module:tenants:002_b").await.unwrap();
        assert_eq!(applied.get_str("appliedBy").unwrap(), "deploy 42");
        assert_eq!(documents(tenant, "migrations_lock").await[1].get_i64("leaseMs").unwrap(), 17_000);
    }
}

/// Replicas of one service, each of which migrates all tenants when it starts.
#[tokio::test]
async fn i1_processes_that_start_together_migrate_each_tenant_once() {
    let db = TestDb::new().await;
    let tenants = existing(&db, ["a", "b", "c", "d", "e", "f"]).await;
    let source = fleet::SOURCES[0];
    let mut workers = [(); 3].map(|()| Worker::start(&["tenants", db.uri(), &db.tenants(), source]));
    for worker in &mut workers {
        assert_eq!(worker.line().await.as_deref(), Some("ready"));
    }
    workers.iter_mut().for_each(Worker::go);
    let mut applied = 0;
    for worker in &mut workers {
        let lines = worker.rest().await;
        assert!(worker.finish().await.success());
        applied += lines[0].strip_prefix("applied ").unwrap().parse::<usize>().unwrap();
    }
    assert_eq!(applied, tenants.len() * fleet::COUNT);
    for tenant in &tenants {
        let mut effects: Vec<_> = documents(tenant, "effects").await;
        effects.sort_by_key(|effect| effect.get_str("of").unwrap().to_owned());
        assert_eq!(effects.len(), fleet::COUNT);
        effects.dedup_by_key(|effect| effect.get_str("of").unwrap().to_owned());
        assert_eq!(effects.len(), fleet::COUNT);
        assert!(lease_is_free(tenant).await);
    }
}
