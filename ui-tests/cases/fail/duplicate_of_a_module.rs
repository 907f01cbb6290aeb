use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "001_create_users")]
mod users_again {
    use mongrate::{Error, Tx};

    pub async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}
