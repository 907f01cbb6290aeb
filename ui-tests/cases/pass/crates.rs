//! A dependency on a migration of another crate, whose source is in its manifest.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]

use mongrate::{Error, Tx, migration};
use mongrate_ui_tests_upstream as _;

#[migration(id = "001_create_users")]
async fn create_users(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

#[migration(id = "002_alerts", deps = ["plugin:whale-alerts:001_init", "900_upstream"])]
async fn alerts(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

fn main() {
    let mut ids: Vec<_> = inventory::iter::<mongrate::__private::Linked>()
        .map(mongrate::__private::Linked::registration)
        .map(|registration| registration.id)
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["001_create_users", "002_alerts", "900_upstream", "plugin:whale-alerts:001_init"]);
}
