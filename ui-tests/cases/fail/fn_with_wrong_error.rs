use mongrate::{Tx, migration};

struct Oops;

#[migration(id = "001_create_users")]
async fn users(_tx: &mut Tx) -> Result<(), Oops> {
    Err(Oops)
}

fn main() {}
