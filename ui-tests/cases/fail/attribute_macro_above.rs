use mongrate::{Error, Tx, migration};

#[tracing::instrument(skip_all)]
#[migration(id = "001_create_users")]
async fn create_users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
