//! Migrations of every shape, for the sweep over all lints: see `tests/lints.rs`.

use mongodb::Database;
use mongrate::{Error, Schema, Tx, migration};

/// A function with all that it can name.
#[migration(id = "001_function", down = revert, verify = checks::present, relies_on = [checks::present, default_role, node], timeout = "10m")]
async fn function(_tx: &mut Tx) -> Result<(), Error> {
    node();
    Ok(())
}

async fn revert(_schema: &mut Schema) -> Result<(), Error> {
    std::future::ready(Ok(())).await
}

/// Used by a migration only.
mod checks {
    /// Looks.
    pub(super) async fn present(_db: &mongodb::Database) -> Result<bool, mongodb::error::Error> {
        std::future::ready(Ok(true)).await
    }
}

/// Named by `relies_on` only.
pub fn default_role() -> &'static str {
    "member"
}

/// Named by a migration.
fn node() {}

/// Waits for nothing.
#[migration(id = "002_schema", deps = ["001_function", extern "001_elsewhere"], irreversible = "why not")]
pub async fn schema(_schema: &mut Schema) -> Result<(), mongodb::error::Error> {
    Ok(())
}

/// Waits for something.
#[migration(id = "20260131_database", deps = ["002_schema"], manual)]
pub(crate) async fn database(db: &Database) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    db.run_command(mongodb::bson::doc! { "ping": 1 }).await?;
    Ok(())
}

/// Of a module of the application, with a cycle to look for.
#[migration(id = "001_menu", source = "module:menu", deps = ["plugin:whale-alerts:001_init"])]
async fn menu(_: &mut Tx) -> Result<(), String> {
    Ok(())
}

/// Of a plugin.
#[migration(id = "001_init", source = "plugin:whale-alerts", down = revert)]
async fn plugin(_: &mut Schema) -> Result<(), Error> {
    Ok(())
}

/// A module.
#[migration(id = "003_module", deps = ["002_schema"])]
mod module {
    use mongodb::Database;
    use mongrate::{Error, Tx};

    pub(super) async fn up(tx: &mut Tx) -> Result<(), Error> {
        tx.collection("users").insert_one(mongodb::bson::doc! { "name": ROLE }).await?;
        Ok(())
    }

    async fn down(_tx: &mut Tx) -> Result<(), Error> {
        std::future::ready(Ok(())).await
    }

    async fn verify(_db: &Database) -> bool {
        std::future::ready(true).await
    }

    const ROLE: &str = "member";
}

/// A public module.
#[migration(id = "004_public")]
pub mod public {
    use mongrate::{Schema, Tx};

    /// Up.
    ///
    /// # Errors
    ///
    /// None.
    pub async fn up(_: &mut Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }

    /// Down.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(windows))]
    pub async fn down(_: &mut Schema) -> Result<(), mongrate::Error> {
        Ok(())
    }
}

/// A function that calls one with a migration in it.
pub fn local() {
    #[migration(id = "005_local")]
    async fn inner(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

macro_rules! numbered {
    ($id:literal, $name:ident, $body:block) => {
        /// Made by a macro.
        #[migration(id = $id)]
        async fn $name(_tx: &mut Tx) -> Result<(), Error> $body
    };
}

numbered!("006_made", made, { Ok(()) });

/// Parameters that are not used up, and a type that is written in full.
#[migration(id = "008_verbose")]
async fn verbose(
    tx: &'_ mut mongrate::Tx,
) -> std::result::Result<(), std::boxed::Box<dyn std::error::Error + Send + Sync + 'static>> {
    let _: &mut Tx = tx;
    Ok(())
}

/// One with a body that takes its time.
#[migration(id = "009_schema_of_a_module", source = "module:menu", deps = ["module:menu:001_menu"])]
mod of_a_module {
    use mongrate::Schema;

    /// Two functions for one name.
    #[cfg(unix)]
    async fn down(_: &mut Schema) -> Result<(), mongrate::Error> {
        Ok(())
    }

    #[cfg(not(unix))]
    async fn down(_: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }

    #[cfg(windows)]
    async fn verify(_: &mongodb::Database) -> bool {
        true
    }

    async fn up(_: &mut Schema) -> Result<(), mongrate::Error> {
        Ok(())
    }
}

/// In a private module of its own.
mod elsewhere {
    use mongrate::{Error, Tx, migration};

    /// Others depend on it.
    #[migration(id = "010_elsewhere", deps = ["001_function"])]
    async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

/// Depends on one in another module.
#[migration(id = "011_here", deps = ["010_elsewhere"])]
pub async fn here(_tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}
