//! A mongod process, and the shell that ensures that it does not outlive this process.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

/// The command line that all members share.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) binary: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) envs: Vec<(OsString, OsString)>,
    /// Seconds for a clean shutdown; with 0 it is killed at once.
    pub(super) grace: u32,
}

/// A started mongod. Dropping it shuts it down and waits until it has ended.
#[derive(Debug)]
pub(super) struct Process {
    supervisor: Child,
    // Closing this pipe shuts the server down. Nothing is ever written to it.
    leash: Option<ChildStdin>,
    pid: u32,
}

impl Process {
    pub(super) fn start(program: &Program, args: &[OsString], log: &Path, folder_hold: Stdio) -> io::Result<Self> {
        let mut supervisor = Command::new("/bin/sh")
            .args(["-c", include_str!("supervisor.sh"), "mongrate-supervisor"])
            .arg(log)
            .arg(program.grace.to_string())
            .arg(&program.binary)
            .args(args)
            .args(&program.args)
            .envs(program.envs.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(folder_hold)
            // ctrl-C signals the whole foreground group; this process must not get it.
            .process_group(0)
            .spawn()?;
        let leash = supervisor.stdin.take();
        let mut line = String::new();
        if let Some(output) = supervisor.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let mut process = Self { supervisor, leash, pid: 0 };
        process.pid = line
            .trim()
            .parse()
            .map_err(|_| io::Error::new(ErrorKind::InvalidData, "the shell did not print a process id"))?;
        Ok(process)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the exit status, if mongod has ended.
    pub(super) fn ended(&mut self) -> io::Result<Option<i32>> {
        Ok(self.supervisor.try_wait()?.map(code))
    }

    /// Sends a signal, named without `SIG`. The `kill` of the shell needs neither another program nor unsafe code.
    pub(super) fn signal(&self, name: &str) -> io::Result<()> {
        let status = Command::new("/bin/sh")
            .args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &self.pid.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if status.success() { Ok(()) } else { Err(io::Error::new(ErrorKind::NotFound, "the process has ended")) }
    }

    /// Sends SIGKILL and waits until the process has ended.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.signal("KILL")?;
        self.supervisor.wait()?;
        Ok(())
    }

    /// Lets the server shut down, without waiting for it.
    pub(super) fn release(&mut self) {
        drop(self.leash.take());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.release();
        let _ = self.supervisor.wait();
    }
}

/// Returns the exit status as a shell counts: 128 plus the number of the signal.
fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(-1)
}
