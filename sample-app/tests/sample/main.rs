//! Migrates version 1 to the current format on a real server.

mod api;
mod readme;
mod stopping;

use std::collections::HashSet;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongrate::Registry;
use mongrate::options::Names;
use mongrate_testkit::mongod::Mongod;
use sample_app::{migrator, seed};

#[test]
fn migrations_fit_together() {
    Registry::linked().verify().unwrap();
}

#[test]
fn the_plugin_is_linked_in() {
    let plugin = Registry::linked().source("plugin:whale-alerts");
    assert!(plugin.get("plugin:whale-alerts:001_create_subscriptions").is_some());
    assert_eq!((plugin.len(), Registry::linked().source("module:menu").len(), Registry::linked().len()), (2, 3, 14));
}

#[tokio::test]
async fn version_1_becomes_todays() {
    let server = Mongod::start().await.unwrap();
    let db = server.client().await.unwrap().database("shop");
    assert!(seed::load(&db, 1).await.unwrap());
    let spent = total(&db).await;
    let before = raw_phones(&db).await;

    api::is_not_ready(&db).await;
    let report = migrator(&db).unwrap().up().await.unwrap();
    assert_eq!(report.applied().count(), 14, "{report}");
    assert!(report.warnings().is_empty(), "{report}");

    customers_are_of_todays_shape(&db).await;
    assert_eq!(total(&db).await, spent, "nobody loses what they spent");
    assert!(before.is_superset(&raw_phones(&db).await), "what was typed is kept");
    indexes_are_there(&db).await;
    the_plugin_has_its_own(&db).await;
    assert_eq!(orders(&db, doc! { "$expr": { "$eq": ["$totalCents", { "$sum": "$lines.cents" }] } }).await, 5_000);
    api::answers(&db).await;

    assert!(migrator(&db).unwrap().up().await.unwrap().is_empty());
    assert!(!seed::load(&db, 1).await.unwrap());
    server.shutdown().await;
}

/// Reverting and applying again gives the same result.
#[tokio::test]
async fn there_and_back() {
    let server = Mongod::start().await.unwrap();
    let db = server.client().await.unwrap().database("shop");
    seed::load(&db, 1).await.unwrap();
    let migrator = migrator(&db).unwrap();
    migrator.up().only("001_clean_customers").await.unwrap();
    let (clean, collections) = (customers(&db).await, names(&db).await);
    migrator.up().await.unwrap();
    let today = customers(&db).await;

    let report = migrator.down().batch().await.unwrap();
    assert_eq!(report.reverted().count(), 13, "{report}");
    for (reverted, before) in customers(&db).await.iter().zip(&clean) {
        assert_eq!(reverted, before);
    }
    assert_eq!(orders(&db, doc! { "totalCents": { "$exists": false } }).await, 5_000);
    assert_eq!(db.collection::<Document>("customers").list_index_names().await.unwrap(), ["_id_"]);
    // A collection that an insert has created remains, but empty.
    let left = names(&db).await.difference(&collections).cloned().collect::<HashSet<_>>();
    let Names { kv, ranges, .. } = Names::default();
    assert_eq!(left, HashSet::from(["roles".to_owned(), kv, ranges]));

    migrator.up().await.unwrap();
    for (again, before) in customers(&db).await.iter().zip(&today) {
        assert_eq!(again, before);
    }
    indexes_are_there(&db).await;
    server.shutdown().await;
}

async fn orders(db: &Database, filter: Document) -> u64 {
    db.collection::<Document>("orders").count_documents(filter).await.unwrap()
}

async fn customers(db: &Database) -> Vec<Document> {
    let customers = db.collection::<Document>("customers").find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
    customers.try_collect().await.unwrap()
}

async fn names(db: &Database) -> HashSet<String> {
    db.list_collection_names().await.unwrap().into_iter().collect()
}

#[tokio::test]
async fn foreign_databases_are_left_alone() {
    let server = Mongod::start().await.unwrap();
    let db = server.client().await.unwrap().database("shop");
    db.collection::<Document>("customers").insert_one(doc! { "name": "Ada" }).await.unwrap();
    let error = seed::load(&db, 1).await.unwrap_err();
    assert!(error.to_string().contains("do not belong to this sample (customers)"), "{error}");
    assert_eq!(db.list_collection_names().await.unwrap(), ["customers"]);
    server.shutdown().await;
}

#[tokio::test]
async fn an_interrupted_load_is_repeated() {
    let server = Mongod::start().await.unwrap();
    let db = server.client().await.unwrap().database("shop");
    seed::load(&db, 1).await.unwrap();
    let unfinished = doc! { "$unset": { "complete": "" } };
    db.collection::<Document>("sample_data").update_one(doc! {}, unfinished).await.unwrap();
    db.collection::<Document>("customers").delete_many(doc! { "_id": { "$gt": 10 } }).await.unwrap();
    assert!(seed::load(&db, 1).await.unwrap());
    assert_eq!(count(&db, doc! {}).await, 5_000);
    server.shutdown().await;
}

async fn customers_are_of_todays_shape(db: &Database) {
    let duplicates = db.collection::<Document>("customers_duplicates").count_documents(doc! {}).await.unwrap();
    assert!((50..500).contains(&duplicates), "{duplicates}");
    let customers = count(db, doc! {}).await;
    assert_eq!(customers + duplicates, 5_000);

    let emails = db.collection::<Document>("customers").distinct("email", doc! {}).await.unwrap();
    assert_eq!(emails.len() as u64, customers);
    assert!(emails.iter().all(|email| {
        let email = email.as_str().unwrap();
        email == email.trim().to_lowercase()
    }));

    assert_eq!(count(db, doc! { "emailVerified": false }).await, customers);
    let split = count(db, doc! { "phone.countryCode": { "$exists": true }, "phone.number": { "$exists": true } }).await;
    let none = count(db, doc! { "phone": { "$type": "null" } }).await;
    assert_eq!(split + none, customers);
    assert_eq!(count(db, doc! { "phoneRaw": { "$exists": true } }).await, customers);
    let junk = doc! { "phone": null, "phoneRaw": { "$regex": r"^\W*[\d(+][\d ()/+-]{8,}$" } };
    assert_eq!(count(db, junk).await, 0, "every number that looks like one is split");

    for role in ["member", "vip", "staff"] {
        assert!(count(db, doc! { "role": role }).await > 0, "{role}");
    }
    assert_eq!(count(db, doc! { "role": { "$nin": ["member", "vip", "staff"] } }).await, 0);

    let collections = db.list_collections().filter(doc! { "name": "customers" }).await.unwrap();
    let [collection] = &collections.try_collect::<Vec<_>>().await.unwrap()[..] else { panic!("one of this name") };
    let validator = collection.options.validator.clone().unwrap();
    assert_eq!(count(db, doc! { "$nor": [validator] }).await, 0, "all match the validator");
    let refused = db.collection("customers").insert_one(doc! { "_id": 9_999, "name": "Ada", "email": "ada" }).await;
    assert!(refused.unwrap_err().to_string().contains("Document failed validation"));
}

async fn indexes_are_there(db: &Database) {
    let names = db.collection::<Document>("customers").list_index_names().await.unwrap();
    for name in ["email_1", "country_1_createdAt_-1", "spentCents_-1", "search", "unverified"] {
        assert!(names.iter().any(|there| there == name), "{name}: {names:?}");
    }
    assert_eq!(db.collection::<Document>("menu").list_index_names().await.unwrap(), ["_id_", "namespace_1_path_1"]);
    let mut verifications = db.collection::<Document>("verifications").list_indexes().await.unwrap();
    let mut expiring = 0;
    while let Some(index) = verifications.try_next().await.unwrap() {
        expiring += u32::from(index.options.is_some_and(|options| options.expire_after.is_some()));
    }
    assert_eq!(expiring, 1);
}

async fn the_plugin_has_its_own(db: &Database) {
    let subscriptions = db.collection::<Document>(whale_alerts::SUBSCRIPTIONS);
    assert_eq!(subscriptions.count_documents(doc! {}).await.unwrap(), 1);
    let setting = doc! { "_id": { "source": "plugin:whale-alerts", "key": "thresholdCents" } };
    let setting = db.collection::<Document>(&Names::default().kv).find_one(setting).await.unwrap().unwrap();
    assert_eq!(setting.get_i64("value").unwrap(), 1_000_000);
    let alerts = whale_alerts::alerts(db).await.unwrap();
    assert!(!alerts.whales.is_empty());
    assert!(alerts.whales.iter().all(|whale| whale.spent_cents >= 1_000_000));
}

async fn count(db: &Database, filter: Document) -> u64 {
    db.collection::<Document>("customers").count_documents(filter).await.unwrap()
}

async fn total(db: &Database) -> i64 {
    let sum = [doc! { "$group": { "_id": null, "spent": { "$sum": "$spentCents" } } }];
    let mut sums = db.collection::<Document>("customers").aggregate(sum).await.unwrap();
    sums.try_next().await.unwrap().unwrap().get_i64("spent").unwrap()
}

/// Returns the phone numbers as typed, with their customers. The migrations move them to another field.
async fn raw_phones(db: &Database) -> HashSet<(i32, String)> {
    let typed = db.collection::<Document>("customers").find(doc! {}).await.unwrap();
    let typed = typed.try_collect::<Vec<_>>().await.unwrap();
    let phone = |customer: &Document| match customer.get("phoneRaw").or(customer.get("phone")) {
        Some(Bson::String(raw)) => Some((customer.get_i32("_id").unwrap(), raw.clone())),
        _ => None,
    };
    typed.iter().filter_map(phone).collect()
}
