//! The smallest migrations.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]

use mongrate::{Schema, Tx, migration};

/// First.
#[migration(id = "001_first")]
async fn first(_tx: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

#[migration(id = "002_second", deps = ["001_first"], source = "module:menu")]
async fn second(_schema: &mut Schema) -> Result<(), mongodb::error::Error> {
    Ok(())
}

fn main() {
    let mut ids: Vec<_> = inventory::iter::<mongrate::__private::Registration>()
        .map(|registration| (registration.id, registration.description, registration.checksum, registration.line))
        .collect();
    ids.sort_unstable();
    println!("{ids:?}");
    assert_eq!(ids.len(), 2);
}
