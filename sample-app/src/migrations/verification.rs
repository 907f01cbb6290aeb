//! The verification of email addresses.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::{Schema, Tx, migration};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// E-mails count as unverified until their owners confirm them.
#[migration(id = "006_default_email_verified", down = forget_email_verified)]
async fn default_email_verified(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let unknown = doc! { "emailVerified": { "$exists": false } };
    let unverified = doc! { "$set": { "emailVerified": false } };
    tx.collection::<Document>("customers").update_many(unknown, unverified).await?;
    Ok(())
}

async fn forget_email_verified(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("customers").update_many(doc! {}, doc! { "$unset": { "emailVerified": "" } }).await?;
    Ok(())
}

/// Links to confirm an e-mail expire after a day.
///
/// Customers who have still to confirm theirs are found by age.
#[migration(id = "007_expire_verifications", deps = ["006_default_email_verified"], down = drop_verifications)]
async fn expire_verifications(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("verifications", doc! { "sentAt": 1 }).expire_after(DAY).await?;
    schema
        .create_index("customers", doc! { "createdAt": 1 })
        .partial(doc! { "emailVerified": false })
        .named("unverified")
        .await
}

async fn drop_verifications(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.drop_index("customers", "unverified").await?;
    schema.drop_collection("verifications").await
}
