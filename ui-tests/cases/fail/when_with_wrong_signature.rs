use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users", when = is_in_the_eu)]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

async fn is_in_the_eu() -> bool {
    true
}

fn main() {}
