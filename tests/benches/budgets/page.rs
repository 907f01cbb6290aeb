//! What the overview of the admin page costs with 1,000 migrations.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mongrate::Migrator;
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::http::{App, READ};

use crate::{Result, migrations, process, table};

const BUDGET: Duration = Duration::from_millis(50);

/// Compressed, in kB.
const WEIGHT: usize = 100;

pub(crate) async fn measure(server: &Mongod) -> Result<()> {
    let database = server.client().await?.database("page");
    let app = App::new(&Migrator::builder(database).registry(migrations::inserting(1_000)).build()?);
    let mut times = Vec::new();
    let mut page = String::new();
    for _ in 0..20 {
        let began = Instant::now();
        page = app.page(READ, "").await.text;
        times.push(began.elapsed());
    }
    assert!(page.matches("<li").count() >= 1_000, "the overview does not list every migration");
    let time = process::median(times);
    table::line("overview of 1,000 pending migrations", process::ms(time), "50 ms", time < BUDGET);
    let weight = compressed(&page)? / 1024;
    table::line("its size with gzip, in kB", weight, WEIGHT, weight < WEIGHT);
    Ok(())
}

fn compressed(text: &str) -> Result<usize> {
    let mut gzip = Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = gzip.stdin.take().ok_or("it is piped")?;
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = gzip.wait_with_output()?;
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(output.stdout.len())
}
