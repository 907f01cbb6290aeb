use mongrate::{Error, Tx, migration};

#[migration(id = "002_create_users", deps = "001_a")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
