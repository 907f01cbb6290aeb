//! Plugins: each sees only its own collections and keys.

use mongodb::bson::{Bson, Document, doc};
use mongrate::{Migrator, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, count, documents, migrator, registry, status, tell};

#[migration(id = "001_collections", source = "plugin:alpha")]
async fn alpha_collections(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("orders").validator(doc! { "of": { "$exists": true } }).await?;
    schema.create_index("orders", doc! { "of": 1 }).named("by_customer").await?;
    schema.create_collection("scratch").await?;
    schema.rename_collection("scratch", "kept").await?;
    schema.create_collection("dropped").await?;
    schema.drop_collection("dropped").await?;
    // The server has no `$unionWith` in a transaction, but in a view.
    schema.create_view("all", "users", [doc! { "$unionWith": { "coll": "orders" } }]).await
}

#[migration(id = "002_joins", source = "plugin:alpha", deps = ["plugin:alpha:001_collections"])]
async fn alpha_joins(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let (users, orders) = (tx.collection::<Document>("users"), tx.collection::<Document>("orders"));
    assert_eq!(users.name(), "plugin_alpha_users");
    users.insert_one(doc! { "_id": "ada" }).await?;
    orders.insert_many([doc! { "of": "ada" }, doc! { "of": "ada" }]).await?;
    let join = doc! { "$lookup": { "from": "orders", "localField": "_id", "foreignField": "of", "as": "orders" } };
    let joined = users.aggregate([join]).await?.collect().await?;
    tx.collection::<Document>("seen").insert_one(doc! { "orders": joined[0].get_array("orders")?.clone() }).await?;
    Ok(())
}

#[tokio::test]
async fn a_plugin_has_its_own_collections() {
    let db = TestDb::new().await;
    // Things of the application, under the names that the plugin uses.
    db.collection::<Document>("users").insert_one(doc! { "_id": "ada" }).await.unwrap();
    db.collection::<Document>("orders").insert_many(vec![doc! { "of": "ada" }; 5]).await.unwrap();
    db.collection::<Document>("dropped").insert_one(doc! {}).await.unwrap();
    db.collection::<Document>("scratch").insert_one(doc! {}).await.unwrap();

    migrator(&db, "plugin:alpha").build().unwrap().up().await.unwrap();
    let seen = documents(&db, "plugin_alpha_seen").await;
    assert_eq!(seen[0].get_array("orders").unwrap().len(), 2);
    assert_eq!(count(&db, "plugin_alpha_all", doc! {}).await, 3);
    assert_eq!(db.collection::<Document>("orders").list_index_names().await.unwrap(), ["_id_"]);
    let indexes = db.collection::<Document>("plugin_alpha_orders").list_index_names().await.unwrap();
    assert_eq!(indexes, ["_id_", "by_customer"]);
    assert_eq!(
        collections(&db).await,
        [
            "dropped",
            "migrations",
            "migrations_history",
            "migrations_lock",
            "orders",
            "plugin_alpha_all",
            "plugin_alpha_kept",
            "plugin_alpha_orders",
            "plugin_alpha_seen",
            "plugin_alpha_users",
            "scratch",
            "system.views",
            "users",
        ]
    );
    assert_eq!(count(&db, "orders", doc! {}).await, 5);
}

#[migration(id = "001_sneaks", source = "plugin:sneak")]
async fn sneaks(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let elsewhere = doc! { "$lookup": { "from": { "db": "config", "coll": "settings" }, "as": "stolen" } };
    tx.collection::<Document>("users").aggregate([elsewhere]).await?;
    Ok(())
}

#[tokio::test]
async fn a_plugin_cannot_name_collections_elsewhere() {
    let db = TestDb::new().await;
    let error = migrator(&db, "plugin:sneak").build().unwrap().up().await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("may only name its own collections"), "{error}");
    assert_eq!(status(&db, "plugin:sneak:001_sneaks").await, "failed");
}

#[migration(id = "001_views", source = "plugin:views")]
async fn views(schema: &mut Schema) -> Result<(), mongrate::Error> {
    let everyone = doc! { "create": "taken", "viewOn": "users", "pipeline": [{ "$unionWith": "orders" }] };
    schema.create_collection("all").options(everyone).await?;
    schema.modify_collection("all", doc! { "collMod": "users", "viewOn": "users", "pipeline": [] }).await
}

#[tokio::test]
async fn a_plugins_views_show_its_own_collections() {
    let db = TestDb::new().await;
    db.collection::<Document>("users").insert_one(doc! {}).await.unwrap();
    migrator(&db, "plugin:views").build().unwrap().up().await.unwrap();
    assert_eq!(count(&db, "plugin_views_all", doc! {}).await, 0);
    assert!(!collections(&db).await.contains(&"taken".to_owned()));
    db.collection::<Document>("plugin_views_users").insert_one(doc! {}).await.unwrap();
    assert_eq!(count(&db, "plugin_views_all", doc! {}).await, 1);
}

#[migration(id = "001_keys", source = "plugin:keys-a")]
async fn keys_a(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let kv = tx.kv();
    assert_eq!(kv.get("theme").await?, None);
    kv.set("theme", "dark").await?;
    kv.set("theme", "light").await?;
    kv.set("limits", doc! { "daily": 10 }).await?;
    kv.set("gone", 1).await?;
    assert_eq!(kv.get("theme").await?, Some(Bson::String("light".to_owned())));
    assert!(kv.delete("gone").await?);
    assert!(!kv.delete("gone").await?);
    assert_eq!(kv.get("gone").await?, None);
    Ok(())
}

#[migration(id = "001_keys", source = "plugin:keys-b")]
async fn keys_b(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let kv = tx.kv();
    assert_eq!(kv.get("theme").await?, None);
    assert!(!kv.delete("theme").await?);
    kv.set("theme", 7).await?;
    Ok(())
}

#[migration(id = "002_fails", source = "plugin:keys-b", deps = ["plugin:keys-b:001_keys"])]
async fn keys_b_fails(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let kv = tx.kv();
    kv.set("theme", 8).await?;
    kv.set("more", 9).await?;
    kv.delete("theme").await?;
    anyhow::bail!("told to")
}

#[tokio::test]
async fn i1_keys_belong_to_a_source_and_are_rolled_back() {
    let db = TestDb::new().await;
    let migrator =
        Migrator::builder(db.clone()).registry(registry(&["plugin:keys-a", "plugin:keys-b"])).build().unwrap();
    migrator.up().await.unwrap_err();
    assert_eq!(status(&db, "plugin:keys-b:002_fails").await, "failed");
    assert_eq!(
        documents(&db, "migrations_kv").await,
        [
            doc! { "_id": { "source": "plugin:keys-a", "key": "limits" }, "value": { "daily": 10 } },
            doc! { "_id": { "source": "plugin:keys-a", "key": "theme" }, "value": "light" },
            doc! { "_id": { "source": "plugin:keys-b", "key": "theme" }, "value": 7 },
        ]
    );
}

#[migration(id = "001_reads", source = "plugin:reader")]
async fn reads(tx: &mut Tx) -> Result<(), anyhow::Error> {
    anyhow::ensure!(tx.collection::<Document>("told").find_one(doc! {}).await?.is_none(), "it can see it");
    Ok(())
}

#[tokio::test]
async fn a_plugin_does_not_see_the_collections_of_the_application() {
    let db = TestDb::new().await;
    tell(&db, "a secret").await;
    migrator(&db, "plugin:reader").build().unwrap().up().await.unwrap();
}
