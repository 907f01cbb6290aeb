use mongrate::{Error, Tx, migration};

#[migration(id = "001_users")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "001_users")]
async fn people(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
