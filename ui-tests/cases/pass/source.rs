//! A source for all migrations of a module. The ids are the same as those of other modules, in a source of their own.

use mongrate::{Tx, migration};

#[migration(id = "001_create_users")]
async fn create_users(_tx: &mut Tx) -> Result<(), mongrate::Error> {
    Ok(())
}

/// Of the menu.
#[mongrate::source("module:menu")]
#[allow(dead_code)]
mod menu {
    use mongrate::{Schema, Tx, migration};

    #[migration(id = "001_init", deps = ["system:001_create_users"])]
    async fn init(_schema: &mut Schema) -> Result<(), mongrate::Error> {
        Ok(())
    }

    #[cfg_attr(all(), mongrate::migration(id = "002_sections", deps = ["001_init"], down = drop_sections))]
    async fn sections(_tx: &mut Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }

    async fn drop_sections(_tx: &mut Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }

    pub(crate) mod inner {
        #[::mongrate::migration(id = "20240109000000123-prices", deps = ["002_sections", "plugin:whale-alerts:001_init"])]
        pub(crate) mod prices {
            pub(crate) async fn up(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
                Ok(())
            }
        }
    }
}

#[mongrate::source("plugin:whale-alerts")]
mod whale_alerts {
    #[mongrate::migration(id = "001_init", deps = [extern "005_of_the_host"])]
    async fn init(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {
        Ok(())
    }
}

fn main() {
    let linked = mongrate::Registry::linked();
    for id in [
        "module:menu:001_init",
        "module:menu:002_sections",
        "module:menu:20240109000000123-prices",
        "plugin:whale-alerts:001_init",
    ] {
        assert!(linked.get(id).is_some(), "{id}");
    }
}
