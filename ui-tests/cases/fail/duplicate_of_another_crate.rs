use mongrate::{Error, Tx, migration};

use mongrate_ui_tests_upstream as _;

#[migration(id = "900_upstream")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
