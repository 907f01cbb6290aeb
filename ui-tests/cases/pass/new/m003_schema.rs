use mongodb::bson::doc;
use mongrate::{Schema, migration};

/// Schema.
#[migration(
    id = "003_schema",
    source = "module:menu",
    deps = ["module:menu:002_prices"]
)]
async fn up(schema: &mut Schema) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    schema.create_index("", doc! {}).await
}
