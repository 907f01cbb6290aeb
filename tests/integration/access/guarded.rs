//! A replica set with authentication.
//!
//! The server of `mongrate_testkit::mongod` has no users, so that one makes them, and ends; then the same program serves the same data
//! again, with access control.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate_tests::{eventually, servers};

/// Holds the server until the other end of standard input is closed, however that happens, and leaves nothing behind.
const LEASH: &str =
    r#"folder=$1; shift; "$@" >"$folder/guarded.log" 2>&1 & read -r _; kill -9 $!; wait; rm -rf "$folder""#;

/// The server. It ends with this value, or with the process.
pub(crate) struct Guarded {
    leash: Child,
    port: u16,
}

impl Guarded {
    pub(crate) async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("guarded-{}-{number}", std::process::id()));
        let open = servers::builder().data_dir(&folder).start().await.unwrap();
        let admin = open.client().await.unwrap().database("admin");
        admin.run_command(doc! { "createUser": "root", "pwd": "root", "roles": ["root"] }).await.unwrap();
        let options = admin.run_command(doc! { "getCmdLineOpts": 1 }).await.unwrap();
        let data = options.get_document("parsed").unwrap().get_document("storage").unwrap();
        let data = data.get_str("dbPath").unwrap().to_owned();
        let port = open.members()[0].port();
        let program = servers::program().await;
        open.shutdown().await;

        let key = folder.join("key");
        // mongod refuses a key that others can read.
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&key).unwrap();
        file.write_all(b"onlyForTests").unwrap();
        let leash = Command::new("sh")
            .args(["-c", LEASH, "guarded"])
            .args([folder.as_os_str(), program.as_os_str()])
            .args(["--dbpath", &data, "--port", &port.to_string(), "--bind_ip", "127.0.0.1", "--nounixsocket"])
            .args(["--wiredTigerCacheSizeGB", "0.25", "--replSet", "rs0", "--auth", "--keyFile"])
            .arg(&key)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let server = Self { leash, port };
        let root = server.root().await;
        eventually("a primary", async || {
            let hello = root.run_command(doc! { "hello": 1 }).await.ok()?;
            hello.get_bool("isWritablePrimary").ok().filter(|primary| *primary)
        })
        .await;
        server
    }

    /// The `admin` database as a user who may do everything.
    pub(crate) async fn root(&self) -> Database {
        self.client("root", "admin").await.database("admin")
    }

    /// A client for a user, whose password is its name.
    pub(crate) async fn client(&self, user: &str, source: &str) -> Client {
        Client::with_uri_str(self.client_uri(user, user, source)).await.unwrap()
    }

    pub(crate) fn client_uri(&self, user: &str, password: &str, source: &str) -> String {
        let port = self.port;
        format!("mongodb://{user}:{password}@127.0.0.1:{port}/?replicaSet=rs0&authSource={source}")
    }

    /// A database of its own, as a user who has exactly these privileges there.
    pub(crate) async fn database(&self, name: &str, privileges: Vec<Document>) -> Database {
        let database = self.root().await.client().database(name);
        database.run_command(doc! { "createRole": "migrates", "privileges": privileges, "roles": [] }).await.unwrap();
        let user = doc! { "createUser": name, "pwd": name, "roles": ["migrates"] };
        database.run_command(user).await.unwrap();
        self.client(name, name).await.database(name)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.leash.stdin.take());
        let _ = self.leash.wait();
    }
}
