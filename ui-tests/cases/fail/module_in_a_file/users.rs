use mongrate::{Error, Tx};

async fn up(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}
