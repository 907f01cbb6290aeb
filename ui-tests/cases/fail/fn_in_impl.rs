use mongrate::{Error, Tx, migration};

struct Users;

impl Users {
    #[migration(id = "001_create_users")]
    async fn users(&self, _tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}
