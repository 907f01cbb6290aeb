//! What recipes promise after a crash.

use std::process::Command;

use mongodb::bson::doc;
use mongrate::Migrator;
use mongrate_guide_tests::builder;
use mongrate_tests::stored::{count, documents, record, status};
use mongrate_tests::{TestDb, Worker};

use super::pair::{IDS, assert_best, names};
use super::recipe::{applied, indexes, insert};

/// Applies these migrations in a process that is killed at this place.
async fn killed_at(db: &TestDb, place: &str, ids: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_killed"));
    command.args([db.uri(), db.name(), place]).args(ids);
    let mut worker = Worker::of(command);
    assert_eq!(worker.line().await, Some(format!("halted at {place}")));
    assert!(!worker.finish().await.success());
}

fn successor(db: &TestDb, ids: &[&str]) -> Migrator {
    builder(db, ids).lock_wait(std::time::Duration::from_secs(60)).build().unwrap()
}

/// The second commit would store the intent to create the index.
#[tokio::test]
async fn i1_killed_between_the_two_of_a_pair() {
    let db = TestDb::new().await;
    insert(&db, "names", names()).await;
    killed_at(&db, "commitTransaction 2", &IDS).await;
    assert_best(&db).await;
    assert_eq!(status(&db, IDS[0]).await, "completed");
    assert_eq!(record(&db, IDS[1]).await, None);
    assert_eq!(indexes(&db, "names").await, ["_id_"]);

    let migrator = successor(&db, &IDS);
    assert_eq!(applied(&migrator.up().await.unwrap()), [IDS[1]]);
    assert_best(&db).await;
    assert_eq!(indexes(&db, "names").await, ["_id_", "by_place"]);
    assert_eq!(count(&db, "migrations_history", doc! { "migrationId": IDS[0] }).await, 1);
}

/// Copied, but not deleted yet.
#[tokio::test]
async fn killed_in_the_middle_of_a_move() {
    const ID: &str = "025_closed_orders";
    let db = TestDb::new().await;
    let closed: Vec<_> = (0..2_500).map(|id| doc! { "_id": id, "status": "closed" }).collect();
    insert(&db, "orders", closed.clone()).await;
    killed_at(&db, "delete 2", &[ID]).await;
    assert_eq!((count(&db, "orders", doc! {}).await, count(&db, "orders_closed", doc! {}).await), (1_500, 2_000));

    successor(&db, &[ID]).up().await.unwrap();
    assert_eq!(count(&db, "orders", doc! {}).await, 0);
    assert_eq!(documents(&db, "orders_closed").await, closed);
}

/// Uploaded, but the user still has the picture. The first five updates are Mongrate's own.
#[tokio::test]
async fn killed_in_the_middle_of_an_upload() {
    const ID: &str = "032_avatars";
    let db = TestDb::new().await;
    let picture =
        mongodb::bson::Binary { subtype: mongodb::bson::spec::BinarySubtype::Generic, bytes: vec![7; 600_000] };
    insert(&db, "users", [doc! { "_id": 1, "avatar": picture.clone() }, doc! { "_id": 2, "avatar": picture }]).await;
    killed_at(&db, "update 6", &[ID]).await;
    let with_avatar = doc! { "avatar": { "$exists": true } };
    assert_eq!((count(&db, "users", with_avatar.clone()).await, count(&db, "avatars.files", doc! {}).await), (2, 1));

    successor(&db, &[ID]).up().await.unwrap();
    assert_eq!(count(&db, "users", with_avatar).await, 0);
    assert_eq!(count(&db, "avatars.files", doc! { "length": 600_000 }).await, 2);
    assert_eq!(count(&db, "avatars.chunks", doc! {}).await, 6);
}
