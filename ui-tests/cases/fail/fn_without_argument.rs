use mongrate::{Error, migration};

#[migration(id = "001_create_users")]
async fn users() -> Result<(), Error> {
    Ok(())
}

fn main() {}
