//! The validator of customers.

use mongodb::bson::doc;
use mongrate::{Schema, migration};

/// Customers of any other shape than today's are refused.
#[migration(
    id = "008_validate_customers",
    deps = ["003_assign_roles", "005_split_phones", "006_default_email_verified"],
    down = accept_anything
)]
async fn validate_customers(schema: &mut Schema) -> Result<(), mongrate::Error> {
    let part = |pattern: &str| doc! { "bsonType": "string", "pattern": pattern };
    let phone = doc! {
        "bsonType": ["object", "null"],
        "required": ["countryCode", "number"],
        "properties": { "countryCode": part("^[0-9]{1,3}$"), "number": part("^[0-9]{6,12}$") },
    };
    let customer = doc! {
        "bsonType": "object",
        "required": ["name", "email", "emailVerified", "phone", "role", "createdAt"],
        "properties": {
            "name": part("^\\S"),
            "email": part("^[^@\\sA-Z]+@[^@\\sA-Z]+$"),
            "emailVerified": { "bsonType": "bool" },
            "phone": phone,
            "role": { "bsonType": "string" },
            "createdAt": { "bsonType": "date" },
        },
    };
    schema.set_validator("customers", doc! { "$jsonSchema": customer }).await
}

async fn accept_anything(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.set_validator("customers", doc! {}).await
}
