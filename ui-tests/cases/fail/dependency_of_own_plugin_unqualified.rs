use mongrate::{Error, Tx, migration};

#[migration(id = "001_init", source = "plugin:whale-alerts")]
async fn init(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "002_more", source = "plugin:whale-alerts", deps = ["001_init"])]
async fn more(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
