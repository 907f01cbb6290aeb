use mongrate::{Tx, migration};

#[migration(id = "001_create_users")]
async fn create_users(_tx: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

#[mongrate::source("module:menu")]
mod menu {
    use mongrate::{Tx, migration};

    // A short id is one of the module, not of the application.
    #[migration(id = "001_init", deps = ["001_create_users"])]
    async fn init(_tx: &mut Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
}

fn main() {}
