#[mongrate::source("module:menu")]
#[mongrate::migration(id = "001_init")]
mod init {
    async fn up(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
}

fn main() {}
