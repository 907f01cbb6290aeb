use mongrate::{Error, Raw, migration};

#[migration(id = "001_create_users")]
async fn users(_db: &mut Raw) -> Result<(), Error> {
    Ok(())
}

fn main() {}
