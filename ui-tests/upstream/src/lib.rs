//! A crate of migrations that the cases depend on; its manifest says which plugin it is.

use mongrate::{Error, Tx, migration};

/// Of the plugin, as the manifest says.
#[migration(id = "001_init", deps = [extern "001_create_users"])]
async fn init(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

/// The attribute is stronger than the manifest.
#[migration(id = "900_upstream", source = "system")]
async fn of_the_system(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}
