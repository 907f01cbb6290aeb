use mongrate::{Tx, migration};

#[migration(id = "001_create_users")]
async fn users(_tx: &mut Tx) -> bool {
    true
}

fn main() {}
