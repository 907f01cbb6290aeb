use mongrate::{Error, Tx, migration};

#[migration(id = "001_")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
