//! A member of a server: its folder, its port and its mongod process, if running.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mongodb::Client;
use mongodb::bson::doc;
use tracing::debug;

use super::connect::{self, Deadline};
use super::error::{Error, Tried};
use super::folder::Folder;
use super::log;
use super::process::{Process, Program};

/// The exit status of mongod if its port is taken.
const PORT_TAKEN: i32 = 48;

/// A member of the server, from [`Mongod::members`](super::Mongod::members).
#[derive(Debug)]
pub struct Member {
    index: usize,
    folder: PathBuf,
    port: u16,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    process: Option<Process>,
    stopped: bool,
    /// Length of the log file when the process was started.
    log_start: u64,
}

impl Member {
    /// Creates a member with its own folder, on its previous port if that is free. Does not start it.
    pub(super) fn new(index: usize, parent: &Path) -> Result<Self, Error> {
        let folder = parent.join(format!("member-{index}"));
        let data = folder.join("data");
        fs::create_dir_all(&data).tried(|| format!("make the folder {}", data.display()))?;
        let before = fs::read_to_string(folder.join("port")).ok().and_then(|port| port.trim().parse().ok());
        let port = before.map_or_else(|| free_port(0), |port| free_port(port).or_else(|_| free_port(0)));
        let port = port.tried(|| "find a free port on 127.0.0.1".to_owned())?;
        Ok(Self { index, folder, port, state: Mutex::default() })
    }

    /// Returns the port on 127.0.0.1. A restart keeps it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns a connection string for this member only, whatever its role.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.host())
    }

    /// Returns the process id of mongod, if it is running.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        let mut state = self.lock();
        let process = state.process.as_mut()?;
        matches!(process.ended(), Ok(None)).then(|| process.pid())
    }

    /// Returns the path of the log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    pub(super) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns whether mongod is running and not stopped by a signal.
    pub(super) fn responsive(&self) -> bool {
        self.pid().is_some() && !self.lock().stopped
    }

    /// Starts mongod without waiting for it.
    pub(super) fn spawn(&self, program: &Program, folder: &Folder) -> Result<(), Error> {
        let mut state = self.lock();
        state.process = None;
        state.stopped = false;
        state.log_start = fs::metadata(self.log()).map_or(0, |file| file.len());
        let start = || Process::start(program, &self.arguments(), &self.log(), folder.hold()?);
        let process = start().tried(|| "run sh, which watches over the server".to_owned())?;
        debug!(member = self.index, port = self.port, pid = process.pid(), "started mongod");
        state.process = Some(process);
        Ok(())
    }

    /// Waits until mongod answers. If another process has taken the port in the meantime, restarts mongod on a new
    /// port.
    pub(super) async fn settle(
        &mut self,
        program: &Program,
        folder: &Folder,
        deadline: Deadline,
    ) -> Result<Client, Error> {
        loop {
            match self.ready(program, deadline).await {
                Err(Error::Exited { status: PORT_TAKEN, .. }) if !deadline.passed() => {
                    self.port = free_port(0).tried(|| "find a free port on 127.0.0.1".to_owned())?;
                    self.spawn(program, folder)?;
                }
                Err(error) => return Err(error),
                Ok(client) => {
                    let file = self.folder.join("port");
                    fs::write(&file, self.port.to_string()).tried(|| format!("write {}", file.display()))?;
                    return Ok(client);
                }
            }
        }
    }

    /// Waits until mongod answers.
    pub(super) async fn ready(&self, program: &Program, deadline: Deadline) -> Result<Client, Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        deadline
            .until(
                "mongod to answer",
                || self.closing_lines(),
                async || {
                    if let Some(status) = self.ended()? {
                        return Err(Error::Exited {
                            binary: program.binary.clone(),
                            status,
                            log: self.closing_lines(),
                        });
                    }
                    // Cheaper than the driver: it waits half a second after a failed attempt.
                    if TcpStream::connect(address).is_err() {
                        return Ok(None);
                    }
                    let client = connect::direct(self.port)?;
                    Ok(self.is_own(&client).await.then_some(client))
                },
            )
            .await
    }

    /// Sends SIGKILL and waits until the process has ended.
    pub(super) fn kill(&self) -> Result<(), Error> {
        let action = || format!("kill member {}", self.index);
        self.lock().running(self.index)?.kill().tried(action)
    }

    pub(super) fn stop(&self) -> Result<(), Error> {
        let mut state = self.lock();
        state.running(self.index)?.signal("STOP").tried(|| format!("stop member {}", self.index))?;
        state.stopped = true;
        Ok(())
    }

    pub(super) fn cont(&self) -> Result<(), Error> {
        let mut state = self.lock();
        state.running(self.index)?.signal("CONT").tried(|| format!("continue member {}", self.index))?;
        state.stopped = false;
        Ok(())
    }

    /// Lets mongod shut down, without waiting for it.
    pub(super) fn release(&self) {
        if let Some(process) = &mut self.lock().process {
            process.release();
        }
    }

    pub(super) fn closing_lines(&self) -> String {
        log::closing_lines(&self.log(), self.lock().log_start)
    }

    fn ended(&self) -> Result<Option<i32>, Error> {
        match &mut self.lock().process {
            Some(process) => process.ended().tried(|| "ask after the server's process".to_owned()),
            None => Err(Error::NotRunning { index: self.index }),
        }
    }

    /// Returns whether the server at this port is ours. Another process may have won a race for the port.
    async fn is_own(&self, client: &Client) -> bool {
        let options = client.database("admin").run_command(doc! { "getCmdLineOpts": 1 }).await;
        let path = |options: &mongodb::bson::Document| {
            let storage = options.get_document("parsed").ok()?.get_document("storage").ok()?;
            storage.get_str("dbPath").ok().map(PathBuf::from)
        };
        options.is_ok_and(|options| path(&options) == Some(self.folder.join("data")))
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["--dbpath".into(), self.folder.join("data").into()];
        arguments.extend(["--port".into(), self.port.to_string().into()]);
        // A killed server would not remove its socket file.
        arguments.extend(["--bind_ip", "127.0.0.1", "--nounixsocket"].map(Into::into));
        arguments.extend(["--wiredTigerCacheSizeGB", "0.25"].map(Into::into));
        arguments.extend(["--setParameter", "diagnosticDataCollectionEnabled=false"].map(Into::into));
        arguments
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn running(&mut self, index: usize) -> Result<&mut Process, Error> {
        let process = self.process.as_mut().ok_or(Error::NotRunning { index })?;
        match process.ended() {
            Ok(None) => Ok(process),
            _ => Err(Error::NotRunning { index }),
        }
    }
}

/// Returns the port if it is free, or any free port for 0. Another process may still take it before mongod does.
fn free_port(port: u16) -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.local_addr()?.port())
}
