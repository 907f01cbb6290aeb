//! Data and schema in one change: two migrations with one number.

use mongodb::bson::{Document, doc};
use mongrate::Error;
use mongrate_guide_tests::builder;
use mongrate_tests::TestDb;
use mongrate_tests::stored::{count, documents, record, status};

use super::recipe::{Recipe, applied, databases, indexes, insert, reverted};

pub(crate) const IDS: [&str; 2] = ["021_best_names", "021_best_names_index"];

/// An unrelated migration.
const OTHER: &str = "022_email";

/// Two duplicates.
pub(crate) fn names() -> [Document; 5] {
    [(1, "oslo", 3), (2, "oslo", 9), (3, "oslo", 1), (4, "rome", 2), (5, "bonn", 0)]
        .map(|(id, place, votes)| doc! { "_id": id, "place": place, "votes": votes })
}

/// Asserts that each place has its best name, and that the others are kept.
pub(crate) async fn assert_best(db: &TestDb) {
    let best = names().into_iter().filter(|name| ![1, 3].contains(&name.get_i32("_id").unwrap()));
    assert_eq!(documents(db, "names").await, best.collect::<Vec<_>>());
    assert_eq!(count(db, "names_removed", doc! {}).await, 2);
}

async fn assert_reverted(db: &TestDb) {
    assert_eq!(documents(db, "names").await, names());
    assert_eq!(count(db, "names_removed", doc! {}).await, 0);
    assert_eq!(indexes(db, "names").await, ["_id_"]);
}

#[tokio::test]
async fn make_a_field_unique() {
    for db in databases().await {
        insert(&db, "names", names()).await;
        let recipe = Recipe::up(&db, &IDS).await;
        assert_best(&db).await;
        assert_eq!(indexes(&db, "names").await, ["_id_", "by_place"]);
        recipe.down().await;
        assert_reverted(&db).await;
    }
}

/// With one command, in every way that the guide names.
#[tokio::test]
async fn it_is_reverted_alone_although_others_were_applied_later() {
    for with_dependents in [false, true] {
        let db = TestDb::new().await;
        insert(&db, "names", names()).await;
        let migrator = builder(&db, &[IDS[0], IDS[1], OTHER]).build().unwrap();
        migrator.up().await.unwrap();
        let down = migrator.down().only(IDS[0]);
        let down = if with_dependents { down.with_dependents(true) } else { down.only(IDS[1]) };
        assert_eq!(reverted(&down.await.unwrap()), [IDS[1], IDS[0]]);
        assert_reverted(&db).await;
        assert_eq!(status(&db, OTHER).await, "completed");
    }
}

#[tokio::test]
async fn the_first_is_not_reverted_without_the_second() {
    let db = TestDb::new().await;
    insert(&db, "names", names()).await;
    let recipe = Recipe::up(&db, &IDS).await;
    let error = recipe.migrator.down().only(IDS[0]).await.unwrap_err();
    assert!(matches!(&error, Error::DependentsApplied { dependents, .. } if dependents == &[IDS[1]]), "{error}");
    assert_best(&db).await;
}

/// The application inserts a duplicate between the two.
#[tokio::test]
async fn the_second_fails_and_is_repaired_by_itself() {
    for db in databases().await {
        insert(&db, "names", names()).await;
        builder(&db, &IDS[..1]).build().unwrap().up().await.unwrap();
        insert(&db, "names", [doc! { "_id": 6, "place": "rome" }]).await;
        let migrator = builder(&db, &IDS).build().unwrap();
        let error = migrator.up().await.unwrap_err();
        assert!(error.to_string().contains("rome"), "{error}");
        assert_eq!(indexes(&db, "names").await, ["_id_"]);

        db.collection::<Document>("names").delete_one(doc! { "_id": 6 }).await.unwrap();
        assert_eq!(applied(&migrator.up().await.unwrap()), [IDS[1]]);
        assert_best(&db).await;
        assert_eq!(indexes(&db, "names").await, ["_id_", "by_place"]);
    }
}

/// The command reverts what was applied, whether the second failed or never ran.
#[tokio::test]
async fn a_half_applied_pair_is_reverted_with_the_same_command() {
    for fails in [false, true] {
        let db = TestDb::new().await;
        insert(&db, "names", names()).await;
        builder(&db, &IDS[..1]).build().unwrap().up().await.unwrap();
        let migrator = builder(&db, &IDS).build().unwrap();
        if fails {
            insert(&db, "names", [doc! { "_id": 6, "place": "rome" }]).await;
            migrator.up().await.unwrap_err();
            db.collection::<Document>("names").delete_one(doc! { "_id": 6 }).await.unwrap();
        }
        let report = migrator.down().only(IDS[0]).only(IDS[1]).await.unwrap();
        println!("{fails}: {report}");
        assert_eq!(reverted(&report).last(), Some(&IDS[0]));
        assert_reverted(&db).await;
        assert_eq!(record(&db, IDS[1]).await.is_some(), fails);
    }
}
