//! What `migrate new` writes: every kind, reversible and not, for every sort of source. The tests of the command line hold
//! these files to it.
#![deny(warnings, clippy::pedantic)]

use mongrate::{Tx, migration};

mod new {
    mod m001_backfill;
    mod m001_backfill_reversible;
    mod m001_schema;
    mod m001_schema_reversible;
    mod m001_tx;
    mod m001_tx_reversible;
    mod m003_backfill;
    mod m003_backfill_reversible;
    mod m003_database;
    mod m003_database_reversible;
    mod m003_schema;
    mod m003_schema_reversible;
    mod m003_tx;
    mod m003_tx_reversible;
    mod m005_backfill;
    mod m005_backfill_reversible;
    mod m005_database;
    mod m005_database_reversible;
    mod m005_schema;
    mod m005_schema_reversible;
    mod m005_tx;
    mod m005_tx_reversible;
}

/// The one that those of the system follow.
#[migration(id = "003_lower_emails")]
async fn lower_emails(_tx: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

/// The one that those of the menu follow.
#[migration(id = "002_prices", source = "module:menu")]
async fn prices(_tx: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

fn main() {}
