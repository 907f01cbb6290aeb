//! The servers that the tests of one process share, each started by the first test that asks for it.
//!
//! A static is never dropped; that the servers vanish with the process is a promise of `mongrate::mongod`, and has a test.

use mongrate::mongod::{Builder, Mongod};
use tokio::sync::OnceCell;

/// A replica set of one member. What a test wants unless it says why not.
pub async fn replica_set() -> &'static Mongod {
    static SERVER: OnceCell<Mongod> = OnceCell::const_new();
    shared(&SERVER, builder()).await
}

/// A replica set of three members, all of which stay up: a test that kills one starts its own.
pub async fn three_members() -> &'static Mongod {
    static SERVER: OnceCell<Mongod> = OnceCell::const_new();
    shared(&SERVER, builder().members(3)).await
}

/// A server without transactions.
pub async fn standalone() -> &'static Mongod {
    static SERVER: OnceCell<Mongod> = OnceCell::const_new();
    shared(&SERVER, builder().standalone()).await
}

/// The servers' common settings, for a test that needs one of its own: fail points are on.
pub fn builder() -> Builder {
    Mongod::builder().set_parameter("enableTestCommands", 1)
}

async fn shared(server: &'static OnceCell<Mongod>, builder: Builder) -> &'static Mongod {
    let started = server.get_or_try_init(|| builder.start()).await;
    started.unwrap_or_else(|error| panic!("no server to test on: {error}\n{error:?}"))
}
