use mongrate::migration;

#[migration(id = "001_create_users")]
mod users {
    use mongrate::{Error, Tx};

    pub async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }

    pub fn down(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}
