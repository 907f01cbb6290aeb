//! The servers that the tests of a process share. The first test that needs a server starts it.
//!
//! Statics are never dropped, but `mongrate_testkit::mongod` guarantees, and tests, that servers end with the process.

use std::path::PathBuf;
use std::{env, fs};

use mongodb::bson::{Document, doc};
use mongrate_testkit::mongod::{Builder, Mongod};
use tokio::sync::OnceCell;

/// A replica set with one member. Use it unless the test needs another server.
pub async fn replica_set() -> &'static Mongod {
    static SERVER: OnceCell<Mongod> = OnceCell::const_new();
    shared(&SERVER, builder()).await
}

/// A replica set with three members. A test that kills a member starts its own.
pub async fn three_members() -> &'static Mongod {
    static SERVER: OnceCell<Mongod> = OnceCell::const_new();
    shared(&SERVER, builder().members(3)).await
}

/// A standalone server, without transactions.
pub async fn standalone() -> &'static Mongod {
    static SERVER: OnceCell<Mongod> = OnceCell::const_new();
    shared(&SERVER, builder().standalone()).await
}

/// The common settings, for a test that needs its own server. Fail points are enabled.
///
/// A server of many tests has thousands of tables. With the small cache of the testkit, `WiredTiger` would search all of them
/// again and again for updates to evict, at the cost of most of the server's CPU time. Dropped tables would stay for the five
/// minutes of history that a server keeps by default.
pub fn builder() -> Builder {
    Mongod::builder()
        .arg("--wiredTigerEngineConfigString")
        .arg("cache_size=1G")
        .set_parameter("enableTestCommands", 1)
        .set_parameter("minSnapshotHistoryWindowInSeconds", 1)
}

/// The mongod of the shared servers, for a test that starts it differently. `MONGOD` takes precedence, because it may
/// name a wrapper script.
pub async fn program() -> PathBuf {
    if let Some(named) = env::var_os("MONGOD").filter(|named| !named.is_empty()) {
        return fs::canonicalize(named).unwrap();
    }
    let pid = replica_set().await.members()[0].pid().unwrap();
    fs::read_link(format!("/proc/{pid}/exe")).unwrap()
}

/// Returns whether the servers are older than this major version, and prints the reason. A test that needs a newer
/// version then returns.
pub async fn skip_before(major: i32, reason: &str) -> bool {
    let build = build().await;
    let version = build.get_array("versionArray").unwrap()[0].as_i32().unwrap();
    version < major && skip(&build, reason)
}

/// Returns whether the servers are the Windows build under Wine, and prints the reason. A test that this build cannot
/// pass then returns.
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
    started.unwrap_or_else(|error| panic!("cannot start a server: {error}\n{error:?}"))
}
