//! The indexes.

use mongodb::bson::doc;
use mongrate::{Schema, migration};

/// E-mails are unique; customers are found by country, spending and name.
#[migration(id = "004_index_customers", deps = ["001_clean_customers"], down = drop_indexes)]
async fn index_customers(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("customers", doc! { "email": 1 }).unique().await?;
    schema.create_index("customers", doc! { "country": 1, "createdAt": -1 }).await?;
    schema.create_index("customers", doc! { "spentCents": -1 }).await?;
    schema.create_index("customers", doc! { "name": "text", "city": "text" }).named("search").await
}

async fn drop_indexes(schema: &mut Schema) -> Result<(), mongrate::Error> {
    for name in ["search", "spentCents_-1", "country_1_createdAt_-1", "email_1"] {
        schema.drop_index("customers", name).await?;
    }
    Ok(())
}
