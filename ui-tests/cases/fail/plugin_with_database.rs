use mongodb::Database;
use mongrate::{Error, migration};

#[migration(id = "001_init", source = "plugin:whale-alerts")]
async fn init(_db: &Database) -> Result<(), Error> {
    Ok(())
}

fn main() {}
