use mongodb::bson::doc;
use mongrate::{Schema, migration};

/// Schema.
#[migration(id = "001_schema", source = "plugin:whale-alerts")]
async fn up(schema: &mut Schema) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    schema.create_index("", doc! {}).await
}
