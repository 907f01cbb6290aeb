use mongrate::{Error, Tx, migration};

#[migration]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
