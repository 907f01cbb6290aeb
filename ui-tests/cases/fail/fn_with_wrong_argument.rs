use mongrate::{Error, migration};

#[migration(id = "001_create_users")]
async fn users(_name: &str) -> Result<(), Error> {
    Ok(())
}

fn main() {}
