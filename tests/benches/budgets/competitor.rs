//! The same 1,000 migrations with mongodb-migrator, on the driver that it brings (mongodb 2).

use anyhow::Result as Outcome;
use async_trait::async_trait;
use mongodb_migrator::migration::Migration;
use mongodb_migrator::migrator::Env;
use mongodb_migrator::migrator::default::DefaultMigrator;
use mongodb2::Client;
use mongodb2::bson::{Document, doc};

use crate::Result;

struct Inserting(String);

#[async_trait]
impl Migration for Inserting {
    async fn up(&self, env: Env) -> Outcome<()> {
        let database = env.db.ok_or_else(|| anyhow::anyhow!("no database"))?;
        database.collection::<Document>("effects").insert_one(doc! { "by": 1 }, None).await?;
        Ok(())
    }

    fn get_id(&self) -> &str {
        &self.0
    }
}

pub(crate) async fn migrate(uri: &str, database: &str) -> Result<()> {
    let database = Client::with_uri_str(uri).await?.database(database);
    let migrations: Vec<Box<dyn Migration>> =
        (0..1000).map(|number| Box::new(Inserting(format!("M{number:04}"))) as Box<dyn Migration>).collect();
    DefaultMigrator::new().with_conn(database).with_migrations_vec(migrations).up().await?;
    Ok(())
}
