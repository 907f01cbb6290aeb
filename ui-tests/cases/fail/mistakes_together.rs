use mongrate::{Error, Tx, migration};

#[migration(id = "users", timeout = "soon", retries = 3, source = "menu")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
