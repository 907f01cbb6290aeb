use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users", descripton = "Users")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
