use mongrate::{Error, Tx, migration};

#[migration(id = "create_users")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
