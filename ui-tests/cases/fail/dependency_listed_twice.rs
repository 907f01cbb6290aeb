use mongrate::{Error, Tx, migration};

#[migration(id = "001_tenants")]
async fn tenants(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "002_users", deps = ["001_tenants", "001_tenants"])]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
