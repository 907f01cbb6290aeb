use mongrate::{Error, Tx, migration};

#[migration(id = "001_a", deps = ["002_b"])]
async fn a(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "002_b", deps = ["001_a"])]
async fn b(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "003_c", deps = ["004_d", "001_a"])]
async fn c(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "004_d", deps = ["003_c"])]
async fn d(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
