use mongodb::Database;
use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users", verify = users_exist)]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

async fn users_exist(_db: &Database) -> bool {
    let shared = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(shared);
    true
}

fn main() {}
