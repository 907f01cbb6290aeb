use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users")]
async fn users(_tx: &mut Tx) -> Result<u64, Error> {
    Ok(1)
}

fn main() {}
