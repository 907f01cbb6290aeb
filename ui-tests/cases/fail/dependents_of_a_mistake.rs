use mongrate::{Error, Tx, migration};

#[migration(id = "001_users", timeout = "soon")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "002_roles", deps = ["001_users"])]
async fn roles(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
