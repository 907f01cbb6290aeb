use mongrate::{Error, Tx, migration};

#[migration(id = "001_step")]
async fn step1(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "002_step")]
async fn step2(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "003_step")]
async fn step3(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "004_step")]
async fn step4(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "005_step")]
async fn step5(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "006_step")]
async fn step6(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "007_step")]
async fn step7(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "008_step")]
async fn step8(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "009_step")]
async fn step9(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "010_step")]
async fn step10(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "011_step")]
async fn step11(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "012_step")]
async fn step12(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "013_step")]
async fn step13(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "014_step")]
async fn step14(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "015_users", deps = ["014_step", "014_steps"])]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
