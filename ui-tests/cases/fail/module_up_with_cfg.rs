#[mongrate::migration(id = "001_create_users")]
mod create_users {
    use mongrate::{Error, Tx};

    #[cfg(feature = "users")]
    pub(crate) async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}
