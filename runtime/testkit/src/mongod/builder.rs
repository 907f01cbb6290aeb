//! Configures and starts a server.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tracing::info;

use super::connect::Deadline;
use super::environment::Environment;
use super::error::{Error, Tried};
use super::find;
use super::folder::Folder;
use super::member::Member;
use super::process::Program;
use super::{Mongod, replica_set};

const READY_WITHIN: Duration = Duration::from_secs(60);
/// Time for a clean shutdown of a server whose data are kept. A primary with secondaries would take 15 seconds, but it
/// flushes its journal within 0.1 seconds.
const GRACE_SECONDS: u32 = 3;

/// Configures a local server. The default is a replica set with one member in a temporary folder.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mongrate_testkit::mongod::Mongod;
///
/// let server = Mongod::builder().members(3).set_parameter("enableTestCommands", 1).start().await?;
/// let primary = server.primary().await?;
/// server.kill(primary)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing runs until `start` is called"]
pub struct Builder {
    members: usize,
    arbiter: bool,
    replica_set: bool,
    data_dir: Option<PathBuf>,
    binary: Option<PathBuf>,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    ready_within: Duration,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            members: 1,
            arbiter: false,
            replica_set: true,
            data_dir: None,
            binary: None,
            args: Vec::new(),
            envs: Vec::new(),
            ready_within: READY_WITHIN,
        }
    }

    /// Starts a replica set with `count` members, at least one. Each is a process of about 150 MB.
    pub fn members(mut self, count: usize) -> Self {
        self.members = count.max(1);
        self.replica_set = true;
        self
    }

    /// Adds an arbiter as the last member. It votes but holds no data: with two other members, the set keeps a primary
    /// when one of them dies, but no longer acknowledges majority writes.
    pub fn arbiter(mut self) -> Self {
        self.arbiter = true;
        self.replica_set = true;
        self
    }

    /// Starts a standalone server, which has no transactions, change streams or retryable writes.
    pub fn standalone(mut self) -> Self {
        self.members = 1;
        self.arbiter = false;
        self.replica_set = false;
        self
    }

    /// Keeps the data in this folder, which is created if necessary. A later start in the same folder finds the data,
    /// and reuses the port if it is free. By default the folder is temporary and removed with the server.
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Sets the mongod to run, in place of [the search](super).
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Adds a command-line argument for every mongod, such as `--quiet`.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.args.push(argument.into());
        self
    }

    /// Adds `--setParameter name=value` for every mongod.
    pub fn set_parameter(self, name: &str, value: impl Display) -> Self {
        self.arg("--setParameter").arg(format!("{name}={value}"))
    }

    /// Adds an environment variable for every mongod.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Limits the wait for the server, and later for a new primary. The default is 60 seconds.
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// Finds mongod, downloading it if necessary, starts it, and waits until it accepts writes.
    pub async fn start(self) -> Result<Mongod, Error> {
        let named = self.binary.clone();
        let search = move || match named {
            Some(path) => find::named(path.as_os_str(), "Builder::binary"),
            None => find::find(&Environment::of_process()),
        };
        let binary =
            spawn_blocking(search).await.map_err(std::io::Error::from).tried(|| "look for mongod".to_owned())??;

        let deadline = Deadline::after(self.ready_within);
        let folder = match &self.data_dir {
            Some(path) => Folder::kept(path)?,
            None => Folder::temporary()?,
        };
        let program = self.program(binary, &folder);
        let members = (0..self.members + usize::from(self.arbiter))
            .map(|index| Member::new(index, folder.path()))
            .collect::<Result<Vec<_>, _>>()?;
        // From here on, an early return drops the server and thereby shuts it down.
        let mut server =
            Mongod { members, program, folder, replica_set: self.replica_set, ready_within: self.ready_within };
        for member in &server.members {
            member.spawn(&server.program, &server.folder)?;
        }
        let mut clients = Vec::new();
        for member in &mut server.members {
            clients.push(member.settle(&server.program, &server.folder, deadline).await?);
        }
        if self.replica_set {
            replica_set::form(&server.members, &clients, self.arbiter, deadline).await?;
        }
        info!(uri = server.uri(), folder = %server.folder.path().display(), "mongod is ready");
        Ok(server)
    }

    fn program(&self, binary: PathBuf, folder: &Folder) -> Program {
        let mut args: Vec<OsString> = Vec::new();
        if self.replica_set {
            args.extend(["--replSet", replica_set::NAME, "--oplogSize", "64"].map(Into::into));
        }
        args.extend(self.args.iter().cloned());
        Program { binary, args, envs: self.envs.clone(), grace: if folder.is_kept() { GRACE_SECONDS } else { 0 } }
    }
}
