use mongrate::migration;

#[migration(id = "001_create_users", irreversible = "the values are gone")]
mod users {
    use mongrate::{Error, Tx};

    pub async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }

    pub async fn down(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}
