//! Processes that tests pause and kill: `src/bin/worker.rs`.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::{env, fs};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Duration, timeout};

use crate::eventually;

/// A process. Killed when this value is dropped.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    lines: UnboundedReceiver<String>,
}

impl Worker {
    /// Starts the worker program with these arguments.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(&[], arguments)
    }

    /// Starts it with additional environment variables.
    #[must_use]
    pub fn start_with(variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(arguments).envs(variables.iter().copied());
        Self::of(command)
    }

    /// Starts any program that exits when its standard input closes.
    #[must_use]
    pub fn of(mut command: Command) -> Self {
        let mut child = command
            // The worker exits when this closes, so it does not outlive a killed test run.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, lines) = unbounded_channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Returns its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the next line of its output, or `None` at the end. Panics after 90 seconds.
    pub async fn line(&mut self) -> Option<String> {
        timeout(Duration::from_secs(90), self.lines.recv()).await.expect("no output from the worker")
    }

    /// Lets a worker continue that has printed `ready`.
    pub fn go(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }

    /// Returns all further lines.
    pub async fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        lines
    }

    /// Returns the exit status, if it has exited.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Sends SIGSTOP.
    pub fn stop(&self) {
        self.signal("STOP");
    }

    /// Waits until it has stopped after a SIGSTOP, which it may have sent itself.
    pub async fn paused(&self) {
        let state = format!("/proc/{}/stat", self.pid());
        eventually("the worker to stop", async || {
            let stat = fs::read_to_string(&state).expect("the worker has exited");
            stat.rsplit_once(") ").filter(|(_, state)| state.starts_with('T')).map(|_| ())
        })
        .await;
    }

    /// Sends SIGCONT.
    pub fn cont(&self) {
        self.signal("CONT");
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends SIGKILL and waits until it has ended.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it exits, at most 30 seconds.
    pub async fn finish(&mut self) -> ExitStatus {
        eventually("the worker to end", async || self.ended()).await
    }

    fn signal(&self, name: &str) {
        let kill =
            Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "sh", name]).arg(self.pid().to_string()).status();
        assert!(kill.unwrap().success(), "the worker is gone already");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cargo puts test programs into `deps`, and the package's own programs beside that folder.
fn program() -> PathBuf {
    let mut folder = env::current_exe().unwrap();
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    folder.join("worker")
}
