//! Every argument, every error type, every visibility, every source.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]

use mongodb::Database;
use mongrate::{Effect, Error, Schema, Tx, migration};

/// A transaction.
#[migration(id = "001_transaction", verify = transactions_work, relies_on = [checks::are_there, default_role])]
async fn transaction(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

async fn transactions_work(db: &Database) -> bool {
    checks::are_there(db).await.is_ok()
}

#[migration(id = "006_effect", verify = effect)]
async fn with_effect(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

async fn effect(_db: &Database) -> Effect {
    Effect::Undecided
}

#[migration(id = "007_effect_or_error", verify = effect_or_error)]
async fn with_effect_or_error(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}

async fn effect_or_error(_db: &Database) -> anyhow::Result<Effect> {
    Ok(Effect::Present)
}

mod checks {
    pub(super) async fn are_there(_: &mongodb::Database) -> anyhow::Result<bool> {
        std::future::ready(Ok(true)).await
    }
}

fn default_role<T: Default>() -> T {
    T::default()
}

/// Schema operations, and the error of the driver.
///
/// # Errors
///
/// None.
#[migration(id = "002_schema", deps = ["001_transaction"])]
pub async fn schema(_schema: &mut Schema) -> Result<(), mongodb::error::Error> {
    Ok(())
}

/// The raw handle, and an error of any type.
#[migration(id = "003_database", deps = ["001_transaction", "002_schema"], timeout = "10m")]
pub(crate) async fn database(db: &Database) -> Result<(), anyhow::Error> {
    db.run_command(mongodb::bson::doc! { "ping": 1 }).await?;
    Ok(())
}

/// A boxed error and a date.
#[migration(id = "20260131_dated", description = "Something else")]
async fn dated(_: &mut Tx) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Ok(())
}

/// A date with a time, an alias of `Result`.
#[migration(id = "20260131235959-dated", manual)]
async fn dated_with_time(_: &mut Tx) -> anyhow::Result<()> {
    Ok(())
}

/// Part of a module.
#[migration(id = "001_menu", source = "module:menu", down = remove_menu)]
async fn menu(_: &mut Tx) -> Result<(), String> {
    Ok(())
}

async fn remove_menu(_: &mut Schema) -> Result<(), Error> {
    std::future::ready(()).await;
    Ok(())
}

/// Part of a plugin.
#[migration(
    id = "001_init",
    source = "plugin:price-watch",
    deps = ["module:menu:001_menu", extern "001_somewhere_else"],
    irreversible = "the old prices are gone"
)]
async fn plugin(_: &mut Schema) -> Result<(), Error> {
    Ok(())
}

fn main() {
    let find = |id| {
        inventory::iter::<mongrate::__private::Linked>()
            .map(mongrate::__private::Linked::registration)
            .find(|registration| registration.id == id)
            .expect("every id of this file is linked in")
    };
    assert_eq!(find("003_database").dependencies, ["001_transaction", "002_schema"]);
    assert_eq!(find("003_database").up.kind(), mongrate::Kind::Database);
    assert_eq!(find("003_database").timeout.map(|timeout| timeout.as_secs()), Some(600));
    assert_eq!(find("20260131_dated").description, "Something else");
    assert_eq!(find("001_transaction").description, "A transaction.");
    assert!(find("20260131235959-dated").manual);
    assert!(find("001_transaction").verify.is_some() && find("002_schema").verify.is_none());
    assert_eq!(find("001_transaction").relies_on, ["checks::are_there", "default_role"]);
    assert_eq!(default_role::<u8>(), 0);
    let menu = find("module:menu:001_menu");
    assert_eq!(menu.up.kind(), mongrate::Kind::Tx);
    assert_eq!(menu.down.map(|down| down.kind), Some(mongrate::Kind::Schema));
    let plugin = find("plugin:price-watch:001_init");
    assert_eq!(plugin.source, mongrate::Source::Plugin("price-watch"));
    assert_eq!(plugin.dependencies, ["module:menu:001_menu", "001_somewhere_else"]);
    assert_eq!(plugin.irreversible, Some("the old prices are gone"));
    assert!(plugin.file.ends_with("signatures.rs"), "{}", plugin.file);
}
