use mongrate::{Error, Tx, migration};

#[migration(id = "1_Create Users")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
