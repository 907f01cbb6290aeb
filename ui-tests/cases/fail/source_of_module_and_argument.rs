#[mongrate::source("module:menu")]
mod menu {
    #[mongrate::migration(id = "001_init", source = "module:orders")]
    async fn init(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
}

fn main() {}
