use mongrate::migration;

#[migration(id = "001_create_users")]
mod users {
    use mongodb::Database;
    use mongrate::{Error, Tx};

    pub async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }

    pub fn verify(_db: &Database) -> bool {
        true
    }
}

fn main() {}
