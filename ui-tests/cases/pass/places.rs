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

fn main() {
    assert_eq!((one(), two()), ("one", "two"));
    let mut ids: Vec<_> =
        inventory::iter::<mongrate::__private::Registration>().map(|registration| registration.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["001_tenants", "002_users", "003_renamed", "004_local", "005_local", "007_made"]);
}
