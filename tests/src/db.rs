//! A separate database for each test.

use std::ops::Deref;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use mongodb::bson::doc;
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};
use mongrate_testkit::mongod::Mongod;

use crate::background::block_on;
use crate::{Commands, sabotage, servers};

/// A database with a unique name and its own client, because a client belongs to the runtime of one test. It derefs to
/// [`Database`], and is dropped with this value, even if the test panics.
///
/// ```no_run
/// # async fn example() {
/// use mongodb::bson::{Document, doc};
/// use mongrate_tests::TestDb;
///
/// let db = TestDb::new().await;
/// db.collection::<Document>("users").insert_one(doc! {}).await.unwrap();
/// assert_eq!(db.commands().take(), ["insert"]);
/// # }
/// ```
#[derive(Debug)]
pub struct TestDb {
    uri: String,
    /// The server outlives the test.
    shared: bool,
    database: Database,
    created: SystemTime,
    app_name: String,
    commands: Commands,
    tenants: Mutex<Vec<String>>,
}

impl TestDb {
    /// Creates a database on the shared replica set with one member.
    pub async fn new() -> Self {
        Self::open(servers::replica_set().await, true).await
    }

    /// Creates a database on the shared replica set with three members.
    pub async fn three_members() -> Self {
        Self::open(servers::three_members().await, true).await
    }

    /// Creates a database on the shared standalone server.
    pub async fn standalone() -> Self {
        Self::open(servers::standalone().await, true).await
    }

    /// Creates a database on a server that the test has started. It is not dropped, because the server may be dead by
    /// then.
    pub async fn on(server: &Mongod) -> Self {
        Self::open(server, false).await
    }

    async fn open(server: &Mongod, shared: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let created = SystemTime::now();
        let name = format!("test_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let commands = Commands::default();
        let uri = server.uri();
        let client = connect(&uri, &name, &commands).await;
        let database = client.database(&name);
        Self { uri, shared, database, created, app_name: name, commands, tenants: Mutex::default() }
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// When this value was created. The database is younger.
    pub(crate) fn created(&self) -> SystemTime {
        self.created
    }

    /// The server's connection string.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The application name of this client, which is also the name of the database.
    #[must_use]
    pub fn app_name(&self) -> &str {
        &self.app_name
    }

    /// The commands that this client has sent.
    #[must_use]
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// The same database through another client with its own application name and command counts, like a second replica
    /// of the program.
    pub async fn replica(&self, app_name: &str) -> (Database, Commands) {
        let commands = Commands::default();
        let client = connect(&self.uri, app_name, &commands).await;
        (client.database(self.database.name()), commands)
    }

    /// Another database of this test through the same client, dropped with this one. Its name starts with
    /// [`tenants`](Self::tenants).
    #[must_use]
    pub fn tenant(&self, name: &str) -> Database {
        let name = format!("{}{name}", self.tenants());
        let database = self.database.client().database(&name);
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        database
    }

    /// The unique prefix of the tenant databases of this test.
    #[must_use]
    pub fn tenants(&self) -> String {
        format!("{}_t_", self.database.name())
    }
}

impl Deref for TestDb {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if !self.shared {
            return;
        }
        let mut names = std::mem::take(&mut *self.tenants.lock().unwrap_or_else(PoisonError::into_inner));
        names.push(self.database.name().to_owned());
        let uri = self.uri.clone();
        block_on(async move {
            let client = connect(&uri, "mongrate-tests-cleanup", &Commands::default()).await;
            for name in names {
                // Dropping would wait for a transaction that the test left open.
                let drop = doc! { "dropDatabase": 1, "maxTimeMS": 5000 };
                if let Err(error) = client.database(&name).run_command(drop).await {
                    eprintln!("{name} was not dropped: {error}");
                }
            }
        });
    }
}

async fn connect(uri: &str, app_name: &str, commands: &Commands) -> Client {
    let mut options = ClientOptions::parse(sabotage::uri(uri).await).await.unwrap();
    options.app_name = Some(app_name.to_owned());
    options.command_event_handler = Some(commands.handler());
    // A test that kills its server should not wait 30 seconds to notice.
    options.server_selection_timeout = Some(Duration::from_secs(10));
    Client::with_options(options).unwrap()
}
