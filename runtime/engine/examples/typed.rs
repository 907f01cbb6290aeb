//! Typed documents: a migration with structs of its own for the shapes before and after.
//!
//! The structs belong to the migration and never change again, while those of the application do. The attribute is on the
//! module, so the structs are part of the checksum.
//!
//! ```sh
//! MONGODB_URI='mongodb://localhost/?replicaSet=rs0' cargo run -p mongrate --example typed
//! ```

use std::env;

use mongodb::bson::{Document, doc};
use mongrate::{Migrator, migration};

/// Names are split into first and last name.
#[migration(id = "001_split_names")]
mod split_names {
    use mongodb::Database;
    use mongodb::bson::{Bson, Document, doc};
    use mongrate::Tx;
    use serde::{Deserialize, Serialize};

    #[derive(Deserialize)]
    struct Before {
        #[serde(rename = "_id")]
        id: Bson,
        name: String,
        // All other fields: a replacement would lose them.
        #[serde(flatten)]
        rest: Document,
    }

    #[derive(Serialize)]
    struct After<'a> {
        #[serde(rename = "_id")]
        id: &'a Bson,
        first: &'a str,
        last: &'a str,
        #[serde(flatten)]
        rest: &'a Document,
    }

    async fn up(tx: &mut Tx) -> anyhow::Result<()> {
        let (before, after) = (tx.collection::<Before>("people"), tx.collection::<After<'_>>("people"));
        for Before { id, name, rest } in before.find(unsplit()).await?.collect().await? {
            let (first, last) = name.rsplit_once(' ').unwrap_or(("", &name));
            after.replace_one(doc! { "_id": &id }, After { id: &id, first, last, rest: &rest }).await?;
        }
        Ok(())
    }

    async fn verify(db: &Database) -> Result<bool, mongodb::error::Error> {
        Ok(db.collection::<Document>("people").find_one(unsplit()).await?.is_none())
    }

    fn unsplit() -> Document {
        doc! { "name": { "$exists": true } }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let migrator = Migrator::connect(env::var("MONGODB_URI")?, "example_typed").await?.build()?;
    let people = migrator.database().collection::<Document>("people");
    if people.estimated_document_count().await? == 0 {
        people.insert_one(doc! { "name": "Ada Lovelace", "born": 1815 }).await?;
    }
    println!("{}", migrator.up().await?);
    println!("{:?}", people.find_one(doc! {}).await?);
    migrator.database().client().clone().shutdown().await;
    Ok(())
}
