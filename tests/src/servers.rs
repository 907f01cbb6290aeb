//! The servers that the tests of one process share, each started by the first test that asks for it.
//!
//! A static is never dropped; that the servers vanish with the process is a promise of `mongrate_testkit::mongod`, and has a test.

use std::path::PathBuf;
use std::{env, fs};

use mongodb::bson::{Document, doc};
use mongrate_testkit::mongod::{Builder, Mongod};
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

/// The mongod that the shared servers run, for a test that starts one in its own way. `MONGOD` comes first: it may name a script
/// that prepares what the program needs.
pub async fn program() -> PathBuf {
    if let Some(named) = env::var_os("MONGOD").filter(|named| !named.is_empty()) {
        return fs::canonicalize(named).unwrap();
    }
    let pid = replica_set().await.members()[0].pid().unwrap();
    fs::read_link(format!("/proc/{pid}/exe")).unwrap()
}

/// Whether the servers are older than this major version. A test that needs a newer one returns then; `reason` is printed.
pub async fn skip_before(major: i32, reason: &str) -> bool {
    let build = build().await;
    let version = build.get_array("versionArray").unwrap()[0].as_i32().unwrap();
    version < major && skip(&build, reason)
}

/// Whether the servers are the Windows build, under Wine. A test that this build cannot pass returns then; `reason` is printed.
pub async fn skip_on_windows(reason: &str) -> bool {
    let build = build().await;
    let environment = build.get_document("buildEnvironment").unwrap();
    environment.get_str("target_os").unwrap() == "windows" && skip(&build, reason)
}

async fn build() -> Document {
    let client = replica_set().await.client().await.unwrap();
    client.database("admin").run_command(doc! { "buildInfo": 1 }).await.unwrap()
}

fn skip(build: &Document, reason: &str) -> bool {
    println!("skipped on MongoDB {}: {reason}", build.get_str("version").unwrap());
    true
}

async fn shared(server: &'static OnceCell<Mongod>, builder: Builder) -> &'static Mongod {
    let started = server.get_or_try_init(|| builder.start()).await;
    started.unwrap_or_else(|error| panic!("no server to test on: {error}\n{error:?}"))
}
