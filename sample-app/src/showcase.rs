//! A customer before and after the migrations.

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};

/// A customer before the migrations.
#[derive(Debug)]
pub struct Showcase(Option<Document>);

impl Showcase {
    /// Picks a customer of version 1 that most migrations change, if there is still one.
    pub async fn before(database: &Database) -> anyhow::Result<Self> {
        let telling = doc! {
            "name": { "$regex": "^ | $" },
            "email": { "$regex": "[A-Z]" },
            "phone": { "$regex": "^00" },
        };
        Ok(Self(database.collection("customers").find_one(telling).sort(doc! { "_id": 1 }).await?))
    }

    /// Prints the changed fields, old and new side by side.
    pub async fn print_after(self, database: &Database) -> anyhow::Result<()> {
        let Some(before) = self.0 else { return Ok(()) };
        let (id, customers) = (before.get("_id"), database.collection::<Document>("customers"));
        let (Some(id), Some(after)) = (id, customers.find_one(doc! { "_id": id }).await?) else { return Ok(()) };
        println!("Customer {id} before and after:");
        let fields = after.iter().filter(|(field, value)| before.get(*field) != Some(value));
        for (field, value) in fields {
            println!("  {field:<14} {:<42} {}", shown(before.get(field)), shown(Some(value)));
        }
        Ok(())
    }
}

fn shown(value: Option<&Bson>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
