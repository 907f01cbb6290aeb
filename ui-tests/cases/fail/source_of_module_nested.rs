#[mongrate::source("module:menu")]
mod menu {
    #[mongrate::source("module:prices")]
    mod prices {
        #[mongrate::migration(id = "001_init")]
        async fn init(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
            Ok(())
        }
    }
}

fn main() {}
