use mongrate::{Error, migration};

#[migration(id = "001_create_users")]
async fn users(_tx: impl Send) -> Result<(), Error> {
    Ok(())
}

fn main() {}
