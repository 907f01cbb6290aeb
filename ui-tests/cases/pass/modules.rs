//! Modules with all that a migration needs.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]

use mongrate::__private::Linked;

/// Every user has a role.
#[mongrate::migration(id = "002_roles", deps = ["001_users"], timeout = "10m")]
mod roles {
    use mongodb::Database;
    use mongodb::bson::{Document, doc};
    use mongrate::{Schema, Tx};

    const ROLES: [&str; 2] = ["admin", "member"];

    pub(super) async fn up(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
        let users = tx.collection::<Document>("users");
        users.update_many(doc! { "role": null }, doc! { "$set": { "role": default_role() } }).await?;
        Ok(())
    }

    async fn down(_schema: &mut Schema) -> anyhow::Result<()> {
        Ok(())
    }

    async fn verify(db: &Database) -> Result<bool, mongodb::error::Error> {
        let without = db.collection::<Document>("users").count_documents(doc! { "role": null }).await?;
        Ok(without == 0)
    }

    fn default_role() -> &'static str {
        ROLES[1]
    }
}

#[mongrate::migration(id = "001_users", irreversible = "the old names are gone")]
mod users {
    //! Users
    //! have names.
    #![allow(clippy::needless_pass_by_ref_mut)]

    use super::Tx;

    struct Names;

    impl Names {
        fn up(&self) -> usize {
            let Self = self;
            0
        }
    }

    async fn up(_tx: &mut Tx) -> Result<(), super::Failed> {
        if Names.up() == 0 { Ok(()) } else { Err(super::Failed) }
    }

    #[cfg(test)]
    mod tests {}
}

use mongrate::Tx;

#[derive(Debug)]
struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {}

#[mongrate::migration(id = "003_elsewhere")]
#[cfg(target_os = "none")]
mod elsewhere {
    pub async fn up(_tx: &mut Nothing) {}
}

fn one() -> &'static str {
    #[mongrate::migration(id = "004_local", crate = ::mongrate)]
    mod local {
        pub(super) async fn up(_db: &mongodb::Database) -> Result<(), mongrate::Error> {
            Ok(())
        }
    }
    "one"
}

macro_rules! numbered {
    ($id:literal, $module:ident, $visibility:vis, $argument:ty, $body:expr) => {
        #[mongrate::migration(id = $id, source = "module:menu")]
        mod $module {
            $visibility async fn up(_: $argument) -> Result<(), mongrate::Error> {
                $body
            }

            async fn verify(_: &mongodb::Database) -> bool {
                true
            }
        }
    };
}

numbered!("005_made", made, pub(super), &mut mongrate::Schema, Ok(()));

/// What is there depends on the system.
#[mongrate::migration(id = "006_conditions")]
mod conditions {
    use mongrate::{Error, Tx};

    pub(super) async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }

    /// Of one kind here.
    #[cfg(not(target_os = "none"))]
    pub(super) async fn down(_schema: &mut mongrate::Schema) -> Result<(), Error> {
        Ok(())
    }

    /// And of another kind there.
    #[inline]
    #[cfg(target_os = "none")]
    pub async fn down(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }

    #[cfg(target_os = "none")]
    async fn verify(_: &mongodb::Database) -> bool {
        true
    }
}

macro_rules! with_functions {
    ($id:literal, $module:ident, $($function:item)*) => {
        #[mongrate::migration(id = $id)]
        mod $module {
            $($function)*
        }
    };
}

with_functions! {
    "007_functions", functions,
    pub(super) async fn up(_: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
    async fn verify(_: &mongodb::Database) -> bool {
        true
    }
}

fn main() {
    assert_eq!(one(), "one");
    let mut all: Vec<_> = inventory::iter::<Linked>().map(Linked::registration).collect();
    all.sort_unstable_by_key(|registration| registration.id);
    let ids: Vec<_> = all.iter().map(|registration| registration.id).collect();
    assert_eq!(ids, ["001_users", "002_roles", "004_local", "006_conditions", "007_functions", "module:menu:005_made"]);

    assert_eq!(all[0].description, "Users\nhave names.");
    assert_eq!(all[0].irreversible, Some("the old names are gone"));
    assert!(all[0].down.is_none() && all[0].verify.is_none());
    assert_eq!(all[1].description, "Every user has a role.");
    assert_eq!(all[1].down.map(|down| down.kind), Some(mongrate::Kind::Schema));
    assert!(all[1].verify.is_some());
    assert_eq!(all[1].line, 16, "the line of `up`");
    assert_eq!(all[3].down.map(|down| down.kind), Some(mongrate::Kind::Schema));
    assert!(all[3].verify.is_none());
    assert!(all[4].verify.is_some());
    assert_eq!(all[5].up.kind(), mongrate::Kind::Schema);
    assert!(all[5].verify.is_some());
}
