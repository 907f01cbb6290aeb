//! The graph of 100,000 migrations: build, check, order.

use std::time::{Duration, Instant};

use mongrate::Registry;

use crate::{Result, migrations, process, table};

const BUDGET: Duration = Duration::from_millis(200);

pub(crate) fn measure() -> Result<()> {
    for (shape, registry) in
        [("a chain", migrations::chain(100_000)), ("layers, 3 dependencies each", migrations::layered(100, 1000))]
    {
        let all: Vec<_> = registry.iter().collect();
        let times = (0..5).map(|_| {
            let began = Instant::now();
            let registry: Registry = all.iter().copied().collect();
            registry.verify()?;
            assert_eq!(registry.iter().len(), 100_000);
            Ok(began.elapsed())
        });
        let median = process::median(times.collect::<Result<_>>()?);
        table::line(&format!("graph of 100,000, {shape}"), process::ms(median), "200 ms", median < BUDGET);
    }
    Ok(())
}
