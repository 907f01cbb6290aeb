//! 50 processes that boot together on 20 pending migrations.

use std::time::Instant;

use mongodb::bson::{Document, doc};
use mongrate_testkit::mongod::Mongod;

use crate::{Result, process, table};

const PROCESSES: usize = 50;

pub(crate) async fn measure(server: &Mongod) -> Result<()> {
    let (client, uri) = (server.client().await?, server.uri());
    let began = Instant::now();
    let children = (0..PROCESSES).map(|_| process::start("twenty", &uri, "fleet")).collect::<Result<Vec<_>>>()?;
    let mut failed = 0;
    for mut child in children {
        failed += usize::from(!child.wait()?.success());
    }
    let took = began.elapsed();
    let database = client.database("fleet");
    let effects = database.collection::<Document>("effects").count_documents(doc! {}).await?;
    let measured = format!("{effects} effects, {failed} failed, {}", process::ms(took));
    table::line("50 processes on 20 pending", measured, "20 effects, 0 failed", effects == 20 && failed == 0);
    Ok(())
}
