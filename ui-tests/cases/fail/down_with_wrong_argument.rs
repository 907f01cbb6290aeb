use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users", down = drop_users)]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

async fn drop_users(_name: &str) -> Result<(), Error> {
    Ok(())
}

fn main() {}
