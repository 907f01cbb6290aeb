use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users")]
async fn users<T>(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
