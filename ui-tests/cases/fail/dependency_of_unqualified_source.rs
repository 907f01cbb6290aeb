use mongrate::{Error, Tx, migration};

#[migration(id = "002_create_users", deps = ["menu:001_add_namespace"])]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
