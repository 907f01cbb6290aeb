use mongrate::{Tx, migration};

#[mongrate::source("module:menu")]
#[migration(id = "001_init")]
async fn init(_tx: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

fn main() {}
