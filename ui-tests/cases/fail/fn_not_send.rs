use mongrate::{Error, Tx, migration};

#[migration(id = "001_create_users")]
async fn users(_tx: &mut Tx) -> Result<(), Error> {
    let shared = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(shared);
    Ok(())
}

fn main() {}
