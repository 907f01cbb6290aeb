use mongrate::migration;

#[migration(id = "001_create_users", verify = users_exist)]
mod users {
    use mongrate::{Error, Tx};

    pub async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

async fn users_exist(_db: &mongodb::Database) -> bool {
    true
}

fn main() {}
