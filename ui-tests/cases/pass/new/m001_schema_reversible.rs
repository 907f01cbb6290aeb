use mongodb::bson::doc;
use mongrate::{Schema, migration};

/// Schema reversible.
#[migration(
    id = "001_schema_reversible",
    source = "plugin:whale-alerts",
    down = down
)]
async fn up(schema: &mut Schema) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    schema.create_index("", doc! {}).await
}

async fn down(schema: &mut Schema) -> Result<(), mongrate::Error> {
    // This fails until it says how to take that back.
    schema.create_index("", doc! {}).await
}
