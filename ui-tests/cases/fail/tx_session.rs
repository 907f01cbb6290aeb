use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};

#[migration(id = "001_session")]
async fn session(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("users").insert_one(doc! {}).session(own_session().await).await?;
    Ok(())
}

async fn own_session() -> &'static mut ClientSession {
    unimplemented!()
}

fn main() {}
