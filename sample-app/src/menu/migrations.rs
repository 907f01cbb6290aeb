//! The migrations of the menu: in the same crate, but with their own source.

use mongodb::bson::{Document, doc};
use mongrate::{Schema, Tx, migration};

/// Shop and administration have a menu each.
#[migration(id = "001_add_namespace", source = "module:menu", down = remove_namespace)]
async fn add_namespace(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let menu = tx.collection::<Document>("menu");
    let admin = doc! { "path": { "$regex": "^/admin" } };
    menu.update_many(admin, doc! { "$set": { "namespace": "admin" } }).await?;
    menu.update_many(doc! { "namespace": { "$exists": false } }, doc! { "$set": { "namespace": "shop" } }).await?;
    Ok(())
}

async fn remove_namespace(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("menu").update_many(doc! {}, doc! { "$unset": { "namespace": "" } }).await?;
    Ok(())
}

/// No path is twice in the same menu.
#[migration(
    id = "002_unique_paths",
    source = "module:menu",
    deps = ["module:menu:001_add_namespace"],
    down = drop_unique_paths
)]
async fn unique_paths(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("menu", doc! { "namespace": 1, "path": 1 }).unique().await
}

async fn drop_unique_paths(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_index("menu", "namespace_1_path_1").await
}

/// Only staff see the administration's menu.
#[migration(
    id = "003_require_role",
    source = "module:menu",
    // A module may depend on migrations of the system: here for the role.
    deps = ["module:menu:001_add_namespace", "002_create_roles"],
    down = require_nothing
)]
async fn require_role(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let staff = doc! { "$set": { "role": "staff" } };
    tx.collection::<Document>("menu").update_many(doc! { "namespace": "admin" }, staff).await?;
    Ok(())
}

async fn require_nothing(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("menu").update_many(doc! {}, doc! { "$unset": { "role": "" } }).await?;
    Ok(())
}
