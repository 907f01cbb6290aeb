use std::rc::Rc;

use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users", needs = [Rc<str>])]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {}
