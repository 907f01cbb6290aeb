//! 1,000 trivial `Tx` migrations, as a whole process.

use mongrate_testkit::mongod::Mongod;

use crate::{Result, process, table};

const ROUNDS: usize = 5;

pub(crate) async fn measure(server: &Mongod) -> Result<()> {
    let (client, uri) = (server.client().await?, server.uri());
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for round in 0..ROUNDS {
        let database = format!("thousand_{round}");
        ours.push(process::time("thousand", &uri, &database)?);
        client.database(&database).drop().await?;
        if cfg!(feature = "compare") {
            theirs.push(process::time("competitor", &uri, &database)?);
            client.database(&database).drop().await?;
        }
    }
    let ours = process::median(ours);
    let what = "1,000 trivial Tx migrations, whole process";
    if theirs.is_empty() {
        table::line(what, process::ms(ours), "(needs --features compare)", true);
        return Ok(());
    }
    let theirs = process::median(theirs);
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let measured = format!("{} = {ratio:.2} of {}", process::ms(ours), process::ms(theirs));
    table::line(what, measured, "0.75 of mongodb-migrator", ratio < 0.75);
    Ok(())
}
