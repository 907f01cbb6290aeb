#[mongrate::migration(id = "001_create_users")]
mod create_users {
    #[cfg(unix)]
    pub(crate) async fn up(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
}

fn main() {}
