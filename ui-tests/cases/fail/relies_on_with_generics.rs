use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users", relies_on = [default_role::<u8>])]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn default_role<T>() {}

fn main() {}
