//! A boot with nothing pending among 1,000 migrations, as a whole process.

use mongrate_testkit::mongod::Mongod;

use crate::{Result, process, table};

const ROUNDS: usize = 41;

pub(crate) async fn measure(server: &Mongod, uri: &str) -> Result<()> {
    process::time("thousand", uri, "boot")?;
    if cfg!(feature = "compare") {
        process::time("competitor", uri, "boot_competitor")?;
    }
    let (mut find, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        find.push(process::time("find", uri, "boot")?);
        ours.push(process::time("thousand", uri, "boot")?);
        if cfg!(feature = "compare") {
            theirs.push(process::time("competitor", uri, "boot_competitor")?);
        }
    }
    let (find, ours) = (process::median(find), process::median(ours));
    let ratio = ours.as_secs_f64() / find.as_secs_f64();
    let measured = format!("{} = {ratio:.2} of {}", process::ms(ours), process::ms(find));
    table::line("boot with nothing pending of 1,000, whole process", measured, "1.3 of a bare find", ratio < 1.3);
    if !theirs.is_empty() {
        let measured = process::ms(process::median(theirs));
        table::line("  the same with mongodb-migrator", measured, "(for comparison)", true);
    }
    for database in ["boot", "boot_competitor"] {
        server.client().await?.database(database).drop().await?;
    }
    Ok(())
}
