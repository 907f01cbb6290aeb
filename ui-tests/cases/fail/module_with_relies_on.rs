use mongrate::migration;

#[migration(id = "001_create_users", relies_on = [default_role])]
mod users {
    use mongrate::{Error, Tx};

    pub async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

fn default_role() {}

fn main() {}
