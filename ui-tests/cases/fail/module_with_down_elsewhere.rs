use mongrate::migration;

#[migration(id = "001_create_users", down = drop_users)]
mod users {
    use mongrate::{Error, Tx};

    pub async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

async fn drop_users(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

fn main() {}
