use mongrate::{Tx, migration};

#[migration(id = "001_init", source = "plugin:whale_alerts")]
async fn init(tx: &mut Tx) -> Result<(), mongrate::Error> {
    let _ = tx;
    Ok(())
}

fn main() {}
