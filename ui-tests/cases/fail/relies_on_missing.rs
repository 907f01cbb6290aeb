use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users", relies_on = [default_role, roles::names])]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

mod roles {}

fn main() {}
