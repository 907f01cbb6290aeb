//! The words of every command, as somebody reads them who is called at night.

mod applying;
mod undoing;
mod wrong;

use mongodb::Database;
use mongodb::bson::{Document, doc};

async fn set(db: &Database, id: &str, fields: Document) {
    let records = db.collection::<Document>("migrations");
    let update = records.update_one(doc! { "_id": id }, doc! { "$set": fields }).await.unwrap();
    assert_eq!(update.matched_count, 1);
}

/// The code of a migration is another one than when it ran.
async fn change(db: &Database, id: &str) {
    set(db, id, doc! { "checksum": format!("t2:{}", "0".repeat(64)) }).await;
}

/// A record whose migration is gone.
pub(crate) async fn orphan(db: &Database, of: &str, id: &str) {
    let records = db.collection::<Document>("migrations");
    let mut record = records.find_one(doc! { "_id": of }).await.unwrap().unwrap();
    record.insert("_id", id);
    records.insert_one(record).await.unwrap();
}

async fn users(db: &Database) {
    let users = db.collection::<Document>("users");
    let ana = doc! { "_id": 1, "email": "Ana@example.com" };
    users.insert_many([ana, doc! { "_id": 2, "email": "ben@example.com", "role": "admin" }]).await.unwrap();
}
