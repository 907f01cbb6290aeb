use mongodb::Database;
use mongrate::{Error, Schema, migration};

#[migration(id = "001_init", source = "plugin:whale-alerts", verify = has_run)]
async fn init(_schema: &mut Schema) -> Result<(), Error> {
    Ok(())
}

async fn has_run(_db: &Database) -> bool {
    true
}

fn main() {}
