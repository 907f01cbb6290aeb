use mongrate::{Error, Tx, migration};

#[migration(id = "001_a")]
async fn a(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "003_c", deps = ["005_e", "001_a"])]
async fn c(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "004_d", deps = ["003_c"])]
async fn d(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "005_e", deps = ["004_d"])]
async fn e(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
