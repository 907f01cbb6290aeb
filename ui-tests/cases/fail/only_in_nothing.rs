use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users", only_in = [])]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
