//! Collections and records that this version of Mongrate did not write.

use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use mongrate::options::Names;
use mongrate::{Error, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, fingerprint, migrator, record};

#[migration(id = "001_user", source = "module:foreign")]
async fn user(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").insert_one(doc! {}).await?;
    tx.kv().set("seeded", true).await
}

#[migration(id = "002_user", source = "module:foreign")]
async fn another(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").insert_one(doc! {}).await?;
    Ok(())
}

/// What `up`, `plan` and `status` all say; the database is as it was.
async fn refused(db: &TestDb) -> Error {
    let before = (collections(db).await, fingerprint(db).await);
    let migrator = migrator(db, "module:foreign").build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert_eq!(migrator.plan().await.unwrap_err().to_string(), error.to_string());
    assert_eq!(migrator.status().await.unwrap_err().to_string(), error.to_string());
    assert_eq!((collections(db).await, fingerprint(db).await), before);
    error
}

async fn foreign(document: Document, maker: &str) {
    let db = TestDb::new().await;
    db.collection::<Document>("migrations").insert_one(document).await.unwrap();
    let error = refused(&db).await;
    let Error::ForeignCollection { collection, made_by, .. } = &error else { panic!("{error}") };
    assert_eq!(collection, "migrations");
    assert_eq!(made_by, maker);

    let ours = migrator(&db, "module:foreign").names(Names::prefixed("mongrate")).build().unwrap();
    ours.up().await.unwrap();
    assert!(ours.up().await.unwrap().is_empty());
    assert_eq!(count(&db, "users", doc! {}).await, 2);
    assert_eq!(count(&db, "migrations", doc! {}).await, 1);
    assert_eq!(
        collections(&db).await,
        ["migrations", "mongrate", "mongrate_history", "mongrate_kv", "mongrate_lock", "users"]
    );
}

#[tokio::test]
async fn i7_the_changelog_of_migrate_mongo_is_left_alone() {
    let document = doc! {
        "_id": ObjectId::new(), "fileName": "20240101120000-users.js", "appliedAt": DateTime::now(), "migrationBlock": 1_i64,
    };
    foreign(document, ", written by migrate-mongo").await;
}

#[tokio::test]
async fn i7_the_changelog_of_mongock_is_left_alone() {
    let document = doc! {
        "_id": ObjectId::new(), "executionId": "2024-01-01T12:00:00.000-1", "changeId": "users", "author": "ada",
        "timestamp": DateTime::now(), "state": "EXECUTED", "type": "EXECUTION", "changeLogClass": "org.example.Users",
        "changeSetMethod": "execution", "executionMillis": 12_i64, "executionHostname": "example", "systemChange": false,
    };
    foreign(document, ", written by Mongock").await;
}

#[tokio::test]
async fn i7_the_changelog_of_mongodb_migrator_is_left_alone() {
    let document = doc! {
        "_id": "M0", "start_date": Bson::Null, "end_date": Bson::Null, "status": "Success", "duration": Bson::Null,
    };
    foreign(document, ", written by mongodb-migrator").await;
}

#[tokio::test]
async fn i7_documents_of_the_application_are_left_alone() {
    foreign(doc! { "from": "Lisbon", "to": "Dakar", "birds": 7 }, "").await;
}

/// What `up` and whatever else writes say to a collection under each of the names but the first; nothing is written.
async fn refused_to_write(db: &TestDb, names: &Names) -> Error {
    let before = (collections(db).await, fingerprint(db).await);
    let migrator = migrator(db, "module:foreign").names(names.clone()).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("it was left untouched"), "{error}");
    for other in [
        migrator.up().dry_run(true).await.unwrap_err(),
        migrator.mark_applied(["module:foreign:001_user"]).await.unwrap_err(),
        migrator.force_unlock().await.unwrap_err(),
    ] {
        assert_eq!(other.to_string(), error.to_string());
    }
    assert_eq!((collections(db).await, fingerprint(db).await), before);
    error
}

/// Each of the four names in turn is that of the collection `things`.
fn each_role() -> [Names; 4] {
    let mut all: [Names; 4] = std::array::from_fn(|_| Names::default());
    for (names, role) in all.iter_mut().zip(0..) {
        let name = [&mut names.records, &mut names.history, &mut names.lock, &mut names.kv].into_iter().nth(role);
        "things".clone_into(name.unwrap());
    }
    all
}

#[tokio::test]
async fn i7_a_collection_of_the_application_is_refused_in_every_role() {
    for id in [Bson::from(1), Bson::from(ObjectId::new()), Bson::from("lease"), Bson::from(doc! { "source": "shop" })] {
        for names in each_role() {
            let db = TestDb::new().await;
            db.collection::<Document>("things").insert_one(doc! { "_id": id.clone(), "name": "Ada" }).await.unwrap();
            let error = refused_to_write(&db, &names).await;
            assert!(matches!(&error, Error::ForeignCollection { collection, .. } if collection == "things"), "{error}");
        }
    }
}

#[tokio::test]
async fn i7_a_special_collection_is_refused_in_every_role() {
    for (options, expected) in [
        (doc! { "viewOn": "nothing", "pipeline": [] }, "a view"),
        (doc! { "capped": true, "size": 4096 }, "a capped collection"),
        (doc! { "timeseries": { "timeField": "at" } }, "a time-series collection"),
    ] {
        for names in each_role() {
            let db = TestDb::new().await;
            let mut create = doc! { "create": "things" };
            create.extend(options.clone());
            db.run_command(create).await.unwrap();
            let error = refused_to_write(&db, &names).await;
            let Error::UnsuitableCollection { collection, kind } = &error else { panic!("{error}") };
            assert_eq!((collection.as_str(), *kind), ("things", expected));
        }
    }
}

/// An application may have made the collections beforehand, and a run that has begun is gone on with.
#[tokio::test]
async fn an_empty_or_own_collection_is_used() {
    let db = TestDb::new().await;
    for name in ["migrations", "migrations_history", "migrations_lock", "migrations_kv"] {
        db.create_collection(name).await.unwrap();
    }
    let migrator = migrator(&db, "module:foreign").build().unwrap();
    migrator.up().only("module:foreign:001_user").await.unwrap();
    migrator.force_unlock().await.unwrap();
    migrator.up().await.unwrap();
    assert_eq!(count(&db, "users", doc! {}).await, 2);
}

/// Stores a record of a migration that is applied, changed by hand, and asks again.
async fn unreadable(change: Document) -> String {
    let db = TestDb::new().await;
    migrator(&db, "module:foreign").build().unwrap().up().only("module:foreign:001_user").await.unwrap();
    let records = db.collection::<Document>("migrations");
    records.update_one(doc! { "_id": "module:foreign:001_user" }, change).await.unwrap();
    let stored = record(&db, "module:foreign:001_user").await;
    let error = refused(&db).await;
    let Error::UnreadableRecord { id, reason } = &error else { panic!("{error}") };
    assert_eq!(id, "module:foreign:001_user");
    assert_eq!(record(&db, "module:foreign:001_user").await, stored);
    assert_eq!(count(&db, "users", doc! {}).await, 1);
    reason.clone()
}

#[tokio::test]
async fn i7_a_status_of_another_version_is_refused() {
    let reason = unreadable(doc! { "$set": { "status": "paused" } }).await;
    assert!(reason.contains("paused"), "{reason}");
}

#[tokio::test]
async fn i7_a_record_of_another_shape_is_refused() {
    let reason = unreadable(doc! { "$set": { "attempts": { "up": 1, "down": 0 } } }).await;
    assert!(reason.contains("attempts") || reason.contains("map"), "{reason}");
}

#[tokio::test]
async fn fields_of_a_newer_version_are_ignored() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:foreign").build().unwrap();
    migrator.up().await.unwrap();
    let records = db.collection::<Document>("migrations");
    records.update_many(doc! {}, doc! { "$set": { "approvedBy": "ada" } }).await.unwrap();
    assert!(migrator.up().await.unwrap().is_empty());
    assert_eq!(migrator.status().await.unwrap().completed().count(), 2);
}
