use mongodb::bson::doc;
use mongrate::{Schema, migration};

/// Schema.
#[migration(id = "005_schema", deps = ["003_lower_emails"])]
async fn up(schema: &mut Schema) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    schema.create_index("", doc! {}).await
}
