use mongrate::{Error, Tx, migration};

#[migration(id = "001_a", deps = ["module:menu:001_b"])]
async fn a(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "001_b", source = "module:menu", deps = ["001_a"])]
async fn b(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
