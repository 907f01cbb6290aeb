use mongodb::Database;
use mongrate::{Error, Tx, migration};

#[migration(id = "001_init", source = "plugin:whale-alerts", down = undo)]
async fn init(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

async fn undo(_db: &Database) -> Result<(), Error> {
    Ok(())
}

fn main() {}
