use mongrate::{Error, Tx, migration};

#[migration(id = 1)]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
