use mongrate::{Error, Tx, migration};

#[migration(id = "002_create_users", deps = ["system:001_users"])]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
