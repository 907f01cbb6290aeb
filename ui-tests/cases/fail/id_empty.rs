use mongrate::{Error, Tx, migration};

#[migration(id = "")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
