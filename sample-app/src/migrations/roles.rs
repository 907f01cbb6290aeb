//! The roles.

use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};

/// The roles member, VIP and staff exist.
#[migration(id = "002_create_roles", down = remove_roles)]
async fn create_roles(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let roles = [
        doc! { "_id": "member", "title": "Member", "permissions": ["order"] },
        doc! { "_id": "vip", "title": "VIP", "permissions": ["order", "preview"] },
        doc! { "_id": "staff", "title": "Staff", "permissions": ["order", "preview", "administer"] },
    ];
    tx.collection("roles").insert_many(roles).await?;
    Ok(())
}

async fn remove_roles(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("roles").delete_many(doc! { "_id": { "$in": ["member", "vip", "staff"] } }).await?;
    Ok(())
}

/// Every customer has a role.
///
/// Staff are known by their addresses, VIPs by what they have spent; all others are members.
#[migration(
    id = "003_assign_roles",
    // It needs lower-case addresses, the total of each customer, and the roles.
    deps = ["001_clean_customers", "002_create_roles"],
    down = unassign_roles
)]
async fn assign_roles(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let customers = tx.collection::<Document>("customers");
    let roles = [
        ("staff", doc! { "email": { "$regex": "@shop\\.example$" } }),
        ("vip", doc! { "spentCents": { "$gte": 500_000 } }),
        ("member", doc! {}),
    ];
    for (role, mut who) in roles {
        who.insert("role", doc! { "$exists": false });
        customers.update_many(who, doc! { "$set": { "role": role } }).await?;
    }
    Ok(())
}

async fn unassign_roles(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("customers").update_many(doc! {}, doc! { "$unset": { "role": "" } }).await?;
    Ok(())
}
