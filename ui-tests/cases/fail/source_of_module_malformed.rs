#[mongrate::source("menu")]
mod menu {
    use mongrate::{Tx, migration};

    #[migration(id = "001_init")]
    async fn init(_tx: &mut Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }

    #[migration(id = "002_sections", deps = ["001_init"])]
    async fn sections(_tx: &mut Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
}

fn main() {}
