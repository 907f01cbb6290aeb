use mongrate::{Error, Tx, migration};

#[migration(id = "001_a", deps = ["002_b"])]
async fn a(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "002_b", deps = ["001_a"])]
async fn b(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
