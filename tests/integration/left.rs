//! Comparison of the database with the footprints of `Schema` migrations.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};
use mongrate::history::Act;
use mongrate::migrator::{HealthStatus, Problem, Validation};
use mongrate::options::Policy;
use mongrate::{Migrator, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{fingerprint, migrator, record, registry};

const A: &str = "module:left:001_users";
const B: &str = "module:left:002_orders";

#[migration(id = "001_users", source = "module:left", down = drop_users)]
async fn users(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("users").validator(doc! { "email": { "$gt": "" } }).await?;
    schema.create_index("users", doc! { "email": 1 }).unique().await?;
    schema.create_index("users", doc! { "text": "text" }).await?;
    schema.create_view("people", "users", [doc! { "$match": { "human": true } }]).await?;
    schema.drop_index("users", "old_1").await
}

async fn drop_users(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_collection("people").await?;
    schema.drop_collection("users").await
}

#[migration(id = "002_orders", source = "module:left")]
async fn orders(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_collection("tmp").await?;
    schema.create_index("orders", doc! { "number": 1 }).await
}

/// What was found: whose, about what, expected, there.
fn differences(validation: &Validation) -> Vec<(String, String, String, String)> {
    println!("{validation}");
    let findings = validation.findings().iter().map(|finding| match &finding.problem {
        Problem::Differs { object, expected, found } => {
            (finding.id.clone(), object.clone(), expected.clone(), found.clone())
        }
        problem => panic!("{problem}"),
    });
    findings.collect()
}

/// The objects alone.
async fn objects(migrator: &Migrator) -> Vec<String> {
    differences(&migrator.validate().await.unwrap()).into_iter().map(|(_, object, ..)| object).collect()
}

async fn applied(db: &TestDb) -> Migrator {
    let migrator = migrator(db, "module:left").build().unwrap();
    let report = migrator.up().await.unwrap();
    assert!(!report.warnings().iter().any(|warning| warning.contains("differs")), "{report}");
    assert_eq!(objects(&migrator).await, [""; 0]);
    migrator
}

fn index(keys: Document, name: &str) -> IndexModel {
    IndexModel::builder().keys(keys).options(IndexOptions::builder().name(name.to_owned()).build()).build()
}

#[tokio::test]
async fn the_footprint_of_a_body_is_stored_with_its_record() {
    for db in [TestDb::new().await, TestDb::standalone().await] {
        applied(&db).await;
        let stored = record(&db, B).await.unwrap();
        assert!(!stored.contains_key("log"), "{stored}");
        let spec = doc! { "v": 2, "key": { "number": 1 }, "name": "number_1" };
        let facts = [doc! { "on": "tmp", "is": null }, doc! { "on": "orders", "index": "number_1", "spec": spec }];
        let order = [Bson::Int64(stored.get_i64("token").unwrap()), Bson::Int64(2)];
        let expected = doc! { "order": order.to_vec(), "facts": facts.map(Bson::Document).to_vec() };
        assert_eq!(stored.get_document("left").unwrap(), &expected);
        assert_eq!(stored.get_array("position").unwrap(), &order);
    }
}

#[tokio::test]
async fn i4_a_manual_change_is_a_difference() {
    let db = TestDb::new().await;
    let migrator = applied(&db).await;
    let users = db.collection::<Document>("users");
    users.drop_index("email_1").await.unwrap();
    users.create_index(index(doc! { "mail": 1 }, "email_1")).await.unwrap();
    users.create_index(index(doc! { "old": 1 }, "old_1")).await.unwrap();
    // The application's own, which is ignored.
    users.create_index(index(doc! { "own": 1 }, "own_1")).await.unwrap();
    db.create_collection("own").await.unwrap();
    db.run_command(doc! { "collMod": "users", "validator": {} }).await.unwrap();
    db.run_command(doc! { "collMod": "people", "viewOn": "users", "pipeline": [] }).await.unwrap();
    db.collection::<Document>("orders").drop().await.unwrap();
    // An application makes a collection by writing to it.
    db.collection::<Document>("tmp").insert_one(doc! {}).await.unwrap();
    let before = fingerprint(&db).await;
    let _ = db.commands().take();
    let validation = migrator.validate().await.unwrap();
    // Differences are read twice, because a body may be running.
    let (records, twice) = (["find", "find"], ["listCollections", "listIndexes"]);
    assert_eq!(db.commands().take(), [&records[..], &twice, &["find"], &twice].concat());
    assert_eq!(fingerprint(&db).await, before);
    let found = differences(&validation);
    let found: Vec<_> = found.iter().map(|(id, object, left, is)| [id, object, left, is].map(String::as_str)).collect();
    assert_eq!(
        found,
        [
            [A, "pipeline of 'people'", "[{ \"$match\": { \"human\": true } }]", "[]"],
            [A, "validator of 'users'", "{ \"email\": { \"$gt\": \"\" } }", found[1][3]],
            [
                A,
                "index 'email_1' of 'users'",
                "{ \"key\": { \"email\": 1 }, \"unique\": true }",
                "{ \"key\": { \"mail\": 1 } }"
            ],
            [A, "index 'old_1' of 'users'", "none", "{ \"key\": { \"old\": 1 } }"],
            [B, "collection 'orders'", "a collection", "none"],
        ]
    );
    assert!(["none", "{  }"].contains(&found[1][3]), "{}", found[1][3]);
    let [notice] = validation.notices() else { panic!("{validation}") };
    assert!(matches!(&notice.problem, Problem::Differs { object, .. } if object == "collection 'tmp'"), "{notice}");
}

/// What is there is the new fact, of each migration by itself.
#[tokio::test]
async fn a_difference_is_accepted() {
    let db = TestDb::new().await;
    let migrator = applied(&db).await;
    db.collection::<Document>("users").drop_index("email_1").await.unwrap();
    db.collection::<Document>("orders").drop_index("number_1").await.unwrap();
    assert_eq!(objects(&migrator).await, ["index 'email_1' of 'users'", "index 'number_1' of 'orders'"]);
    let report = migrator.accept(A).by("ana").because("see OPS-18").await.unwrap();
    assert_eq!(report.amended(), [(A.to_owned(), Act::Accept)]);
    assert_eq!(objects(&migrator).await, ["index 'number_1' of 'orders'"]);
    migrator.accept(B).await.unwrap();
    assert!(migrator.validate().await.unwrap().is_valid());
    // Nothing more to accept.
    assert!(migrator.accept(A).await.unwrap().is_empty());
    // Made again, it is a difference from what was accepted.
    db.collection::<Document>("users").create_index(index(doc! { "email": 1 }, "email_1")).await.unwrap();
    assert_eq!(objects(&migrator).await, ["index 'email_1' of 'users'"]);
}

/// The footprint of a `down` counts, too, and can be accepted.
#[tokio::test]
async fn the_footprint_of_a_down_counts() {
    let db = TestDb::new().await;
    let migrator = applied(&db).await;
    migrator.down().only(A).await.unwrap();
    assert!(migrator.validate().await.unwrap().is_valid());
    db.create_collection("people").await.unwrap();
    let validation = migrator.validate().await.unwrap();
    assert_eq!((validation.findings().len(), validation.notices().len()), (0, 1), "{validation}");
    migrator.accept(A).await.unwrap();
    assert!(migrator.validate().await.unwrap().notices().is_empty());
    assert_eq!(record(&db, A).await.unwrap().get_str("status").unwrap(), "rolled-back");
    db.collection::<Document>("people").drop().await.unwrap();
    migrator.up().await.unwrap();
    assert!(migrator.validate().await.unwrap().is_valid());
}

#[tokio::test]
async fn the_footprint_of_an_orphan_counts_until_it_is_pruned() {
    let db = TestDb::new().await;
    applied(&db).await;
    let without = registry(&["module:left"]).into_iter().filter(|migration| migration.id() != B).collect();
    let without = Migrator::builder(db.database().clone()).registry(without).build().unwrap();
    db.collection::<Document>("orders").drop_index("number_1").await.unwrap();
    let validation = without.validate().await.unwrap();
    let differs = |finding: &&mongrate::migrator::Finding| matches!(finding.problem, Problem::Differs { .. });
    assert_eq!(validation.findings().iter().filter(differs).count(), 1, "{validation}");
    without.prune(B).await.unwrap();
    assert!(without.validate().await.unwrap().is_valid());
}

#[tokio::test]
async fn a_mark_removes_the_footprint() {
    for mark in ["pending", "applied"] {
        let db = TestDb::new().await;
        let migrator = applied(&db).await;
        db.collection::<Document>("users").drop_index("email_1").await.unwrap();
        migrator.mark_pending([A]).await.unwrap();
        if mark == "applied" {
            migrator.mark_applied([A]).await.unwrap();
        }
        assert!(!record(&db, A).await.unwrap().contains_key("left"));
        assert!(migrator.validate().await.unwrap().is_valid());
    }
}

#[migration(id = "001_index", source = "module:left-later")]
async fn first(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.set_validator("users", doc! { "a": 1 }).await?;
    schema.create_index("users", doc! { "email": 1 }).await
}

#[migration(id = "002_tx", source = "module:left-later")]
async fn writes(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").delete_many(doc! {}).await.map(drop)
}

#[migration(id = "003_changes_it", source = "module:left-later", deps = ["module:left-later:001_index"])]
async fn changes(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_index("users", "email_1").await?;
    schema.create_index("users", doc! { "email": 1 }).named("by_email").await?;
    schema.set_validator("users", doc! { "a": 2 }).await?;
    schema.rename_collection("users", "people").await
}

#[migration(id = "004_anything", source = "module:left-later", deps = ["module:left-later:003_changes_it"], manual)]
async fn anything(db: &Database) -> Result<(), mongodb::error::Error> {
    db.collection::<Document>("people").drop_index("by_email").await
}

#[tokio::test]
async fn a_change_by_a_later_migration_is_not_a_difference() {
    let db = TestDb::new().await;
    db.create_collection("users").await.unwrap();
    let migrator = migrator(&db, "module:left-later").build().unwrap();
    let report = migrator.up().only("module:left-later:001_index").await.unwrap();
    assert!(report.warnings().is_empty(), "{report}");
    assert_eq!(objects(&migrator).await, [""; 0]);
    migrator.up().await.unwrap();
    assert_eq!(objects(&migrator).await, [""; 0]);
    db.run_command(doc! { "collMod": "people", "validator": { "a": 1 } }).await.unwrap();
    assert_eq!(objects(&migrator).await, ["validator of 'people'"]);
    db.run_command(doc! { "collMod": "people", "validator": { "a": 2 } }).await.unwrap();

    // The effects of a `&Database` body are unknown.
    let report = migrator.up().only("module:left-later:004_anything").await.unwrap();
    assert!(report.warnings().is_empty(), "{report}");
    let validation = migrator.validate().await.unwrap();
    assert!(validation.is_valid(), "{validation}");
    let [notice] = validation.notices() else { panic!("{validation}") };
    assert!(notice.to_string().contains("perhaps by module:left-later:004_anything"), "{notice}");
}

#[migration(id = "001_index", source = "module:left-warns")]
async fn made(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).await
}

#[migration(id = "002_meanwhile", source = "module:left-warns", deps = ["module:left-warns:001_index"])]
async fn meanwhile(tx: &mut Tx) -> Result<(), anyhow::Error> {
    tx.collection::<Document>("users").insert_one(doc! {}).await?;
    let uri = tx.collection::<Document>("told").find_one(doc! {}).await?.unwrap();
    let client = mongodb::Client::with_uri_str(uri.get_str("uri")?).await?;
    // A manual change during the run.
    client.database(uri.get_str("database")?).collection::<Document>("orders").drop_index("number_1").await?;
    Ok(())
}

#[migration(id = "000_index", source = "module:left-warns")]
async fn numbers(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("orders", doc! { "number": 1 }).await
}

#[tokio::test]
async fn the_end_of_a_run_warns_of_differences() {
    let db = TestDb::new().await;
    let told = doc! { "uri": db.uri(), "database": db.name() };
    db.collection::<Document>("told").insert_one(told).await.unwrap();
    let report = migrator(&db, "module:left-warns").build().unwrap().up().await.unwrap();
    println!("{report}");
    let [warning] = report.warnings() else { panic!("{report}") };
    for words in ["module:left-warns:000_index", "index 'number_1' of 'orders'", "found none", "accept"] {
        assert!(warning.contains(words), "{words}: {warning}");
    }
}

#[tokio::test]
async fn health_compares_once_a_minute_and_stays_ready_by_default() {
    let db = TestDb::new().await;
    let migrator = applied(&db).await;
    db.collection::<Document>("users").drop_index("email_1").await.unwrap();
    let _ = db.commands().take();
    // `validate` has just compared, so this does not.
    let health = migrator.health().await.unwrap();
    assert_eq!(db.commands().take(), ["find", "find"]);
    assert_eq!((health.status(), health.is_ready()), (HealthStatus::Healthy, true), "{health}");

    for (policy, ready) in [(Policy::Warn, true), (Policy::Error, false)] {
        let migrator = mongrate_tests::stored::migrator(&db, "module:left").differences(policy).build().unwrap();
        let health = migrator.health().await.unwrap();
        let mut sent = db.commands().take();
        sent.sort_unstable();
        let expected = [("find", 3), ("listCollections", 2), ("listIndexes", 4)];
        assert_eq!(sent, expected.map(|(command, times)| vec![command; times]).concat());
        assert_eq!((health.status(), health.is_ready()), (HealthStatus::Differs, ready), "{health}");
        assert_eq!(
            health.to_string(),
            "differs: 2 completed; 1 difference from what migrations left (module:left:001_users: index 'email_1' of 'users')"
        );
        assert_eq!(migrator.health().await.unwrap().differences(), health.differences());
        assert_eq!(db.commands().take(), ["find", "find"]);
        // No run is refused.
        assert!(migrator.up().await.unwrap().is_empty());
        let _ = db.commands().take();
    }
}

#[migration(id = "001_many", source = "module:left-many")]
async fn many(schema: &mut Schema) -> Result<(), mongrate::Error> {
    for number in 0..200 {
        schema.create_index(&format!("many_{number}"), doc! { "a": 1 }).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_collections_take_one_command_each_and_three() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:left-many").build().unwrap();
    migrator.up().await.unwrap();
    let _ = db.commands().take();
    assert!(migrator.validate().await.unwrap().is_valid());
    let sent = db.commands().take();
    assert_eq!(sent.len(), 203, "{sent:?}");
    assert_eq!(sent.iter().filter(|name| *name == "listCollections").count(), 1);
    // A boot does not compare.
    assert!(migrator.up().await.unwrap().is_empty());
    assert_eq!(db.commands().take(), ["find"]);
}
