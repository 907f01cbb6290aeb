//! What 100,000 migrations on record cost: status, validation and plans, the reading of the records included.

use std::time::{Duration, Instant};

use mongodb::bson::{DateTime, Document, doc};
use mongrate::{Migrator, Registry};
use mongrate_testkit::mongod::Mongod;

use crate::{Result, migrations, process, table};

const BUDGET: Duration = Duration::from_secs(1);

/// Records are inserted so many at a time.
const AT_ONCE: usize = 10_000;

pub(crate) async fn measure(server: &Mongod) -> Result<()> {
    for (shape, registry) in
        [("a chain", migrations::chain(100_000)), ("layers of 1,000", migrations::layered(100, 1000))]
    {
        let database = server.client().await?.database("plans");
        let ids: Vec<_> = registry.iter().map(|migration| migration.id()).collect();
        for ids in ids.chunks(AT_ONCE) {
            database.collection::<Document>("migrations").insert_many(ids.iter().map(|id| record(id))).await?;
        }
        let migrator = Migrator::builder(database.clone()).registry(registry.clone()).build()?;
        measured("status", shape, async || Ok(migrator.status().await?.completed().count())).await?;
        measured("validation", shape, async || Ok(migrator.validate().await?.checked())).await?;
        measured("plan of up", shape, async || Ok(100_000 - migrator.plan().await?.len())).await?;
        let all = migrator.down().steps(usize::MAX);
        measured("plan of down", shape, async || Ok(all.clone().plan().await?.len())).await?;
        looked_up(shape, &registry);
        database.drop().await?;
    }
    Ok(())
}

async fn measured(what: &str, shape: &str, work: impl AsyncFn() -> Result<usize>) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(work().await?, 100_000);
        times.push(began.elapsed());
    }
    line(what, shape, process::median(times));
    Ok(())
}

fn looked_up(shape: &str, registry: &Registry) {
    let all: Vec<_> = registry.iter().collect();
    let began = Instant::now();
    assert!(all.iter().all(|migration| registry.get(migration.id()).is_some()));
    line("100,000 look-ups in the registry", shape, began.elapsed());
}

fn line(what: &str, shape: &str, time: Duration) {
    table::line(&format!("{what} of 100,000, {shape}"), process::ms(time), "1,000 ms", time < BUDGET);
}

fn record(id: &str) -> Document {
    doc! {
        "_id": id, "status": "completed", "source": "system", "description": "", "checksum": migrations::CHECKSUM,
        "reversible": true, "batch": 1_i64, "executedAt": DateTime::now(), "executionDuration": 1_i64, "host": "bench",
        "pid": 1_i64, "attempts": 1_i64, "token": 1_i64,
    }
}
