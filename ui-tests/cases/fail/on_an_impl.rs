use mongrate::{Error, Tx, migration};

struct Users;

#[migration(id = "001_create_users")]
impl Users {
    async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}
