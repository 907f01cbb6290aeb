use mongodb::bson::doc;
use mongrate::{Tx, migration};

#[migration(id = "001_run_command")]
async fn run_command(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.run_command(doc! { "collMod": "users", "validator": {} }).await?;
    Ok(())
}

fn main() {}
