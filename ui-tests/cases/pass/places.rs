//! Migrations in modules, in the bodies of functions, behind another name of the crate, under `cfg`, and made by a macro.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]

mod users {
    use mongrate::{Error, Tx, migration};

    #[migration(id = "002_users", deps = ["001_tenants"])]
    pub(super) async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

mod tenants {
    pub(super) mod deep {
        use mongrate::{Error, Tx, migration};

        #[migration(id = "001_tenants", down = super::remove)]
        async fn up(_tx: &mut Tx) -> Result<(), Error> {
            Ok(())
        }
    }

    async fn remove(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        std::future::ready(()).await;
        Ok(())
    }
}

mod renamed {
    pub(crate) use ::mongrate as vendored;

    use vendored::{Error, Tx, migration};

    #[migration(id = "003_renamed", crate = crate::renamed::vendored, deps = ["002_users"])]
    async fn up(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
}

fn one() -> &'static str {
    #[mongrate::migration(id = "004_local", deps = ["005_local"])]
    async fn up(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
    "one"
}

fn two() -> &'static str {
    #[mongrate::migration(id = "005_local")]
    async fn up(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
    "two"
}

#[mongrate::migration(id = "006_elsewhere")]
#[cfg(target_os = "none")]
async fn elsewhere(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

macro_rules! numbered {
    ($id:literal, $name:ident, $body:expr) => {
        #[mongrate::migration(id = $id)]
        async fn $name(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
            $body
        }
    };
}

numbered!("007_made", made, Ok(()));

macro_rules! with_parts {
    ($id:literal, $documentation:literal, $name:ident, $argument:ty, $body:block) => {
        #[doc = $documentation]
        #[mongrate::migration(id = $id)]
        async fn $name(_tx: $argument) -> Result<(), mongrate::Error> $body
    };
}

with_parts!("008_block", "What a block does.", block, &mut mongrate::Tx, {
    std::future::ready(()).await;
    Ok(())
});

macro_rules! whole {
    ($attribute:meta, $function:item) => {
        #[$attribute]
        $function
    };
}

whole! {
    mongrate::migration(id = "009_whole", deps = ["008_block"]),
    async fn whole(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
}

/// Names that generated code might use, too.
mod names {
    use mongrate::{Error, Tx, migration};

    #[allow(non_snake_case)]
    #[migration(id = "010_names", down = context, verify = database)]
    async fn NODE(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }

    async fn context(_tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }

    async fn database(_db: &mongodb::Database) -> bool {
        true
    }
}

/// An attribute macro below the attribute is not part of the checksum.
#[mongrate::migration(id = "011_traced")]
#[tracing::instrument(skip_all)]
async fn traced(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

fn main() {
    assert_eq!((one(), two()), ("one", "two"));
    let mut all: Vec<_> =
        inventory::iter::<mongrate::__private::Linked>().map(mongrate::__private::Linked::registration).collect();
    all.sort_unstable_by_key(|registration| registration.id);
    let ids: Vec<_> = all.iter().map(|registration| registration.id).collect();
    let first = ["001_tenants", "002_users", "003_renamed", "004_local", "005_local", "007_made"];
    assert_eq!(ids[..6], first);
    assert_eq!(ids[6..], ["008_block", "009_whole", "010_names", "011_traced"]);
    assert_eq!(all[6].description, "What a block does.");
}
