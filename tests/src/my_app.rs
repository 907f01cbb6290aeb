//! Runs the application with a command line, `src/bin/my-app/`, as a process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{env, fmt};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::{TestDb, eventually};

/// The program that starts another one as the first process of a PID namespace.
const UNSHARE: &[&str] =
    &["/usr/bin/unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];

/// The limit for a command.
const LIMIT: Duration = Duration::from_secs(60);

/// A call of the program: its database, arguments and environment. It does not inherit the environment of the tests, so
/// that they are reproducible. The user is `USER=ana`.
///
/// ```no_run
/// # async fn example() {
/// use mongrate_tests::{MyApp, TestDb};
///
/// let db = TestDb::new().await;
/// let ran = MyApp::on(&db).run(["up", "--by", "the pipeline"]).await;
/// assert_eq!(ran.code, 0, "{ran}");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MyApp {
    /// The arguments before the command.
    prefix: Vec<String>,
    uri: Option<String>,
    variables: Vec<(String, String)>,
    folder: Option<PathBuf>,
    /// The name of the program.
    name: &'static str,
    /// The program that starts it.
    starter: Vec<&'static str>,
}

impl MyApp {
    /// `my-app migrate --uri <connection string of the test database>`.
    #[must_use]
    pub fn on(db: &TestDb) -> Self {
        Self::anywhere().at(&Self::uri(db))
    }

    /// `my-app migrate`, without a connection string.
    #[must_use]
    pub fn anywhere() -> Self {
        let variables = vec![("USER".to_owned(), "ana".to_owned())];
        let prefix = vec!["migrate".to_owned()];
        Self { prefix, uri: None, variables, folder: None, name: "my-app", starter: Vec::new() }
    }

    /// `my-shop migrate`, the application with a backfill.
    #[must_use]
    pub fn shop(db: &TestDb) -> Self {
        Self { name: "my-shop", ..Self::on(db) }
    }

    /// Returns the connection string of a test database.
    #[must_use]
    pub fn uri(db: &TestDb) -> String {
        db.uri().replacen("/?", &format!("/{}?", db.name()), 1)
    }

    /// Sets `--uri`.
    #[must_use]
    pub fn at(mut self, uri: &str) -> Self {
        self.uri = Some(uri.to_owned());
        self
    }

    /// Replaces `migrate` before the command, for example with `tools db`.
    #[must_use]
    pub fn called(mut self, words: &[&str]) -> Self {
        self.prefix = words.iter().copied().map(str::to_owned).collect();
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Resets the handling of SIGHUP, because a process inherits it if the tests run under `nohup`.
    #[must_use]
    pub fn heeding_hang_ups(mut self) -> Self {
        self.starter = vec!["/usr/bin/env", "--default-signal=HUP"];
        self
    }

    /// Runs it as the first process of a PID namespace, as in a container. It then receives only signals for which it
    /// has a handler.
    #[must_use]
    pub fn as_first_process(mut self) -> Self {
        self.starter = [UNSHARE, &["--"]].concat();
        self
    }

    /// Returns whether this machine allows such namespaces.
    #[must_use]
    pub fn can_be_first_process() -> bool {
        let mut unshare = std::process::Command::new(UNSHARE[0]);
        unshare.args(&UNSHARE[1..]).arg("true").status().is_ok_and(|status| status.success())
    }

    /// Returns the path of `my-app`.
    #[must_use]
    pub fn program() -> PathBuf {
        Self::named("my-app")
    }

    /// Cargo puts test programs into `deps`, and the package's own programs beside that folder.
    fn named(name: &str) -> PathBuf {
        let mut folder = env::current_exe().unwrap();
        folder.pop();
        if folder.ends_with("deps") {
            folder.pop();
        }
        folder.join(name)
    }

    /// Returns the name of the program of this call.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// Returns the path of the program of this call.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Self::named(self.name)
    }

    /// Returns all arguments of a call.
    pub fn arguments(&self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = self.prefix.iter().map(OsString::from).collect();
        if let Some(uri) = &self.uri {
            arguments.extend(["--uri".into(), uri.into()]);
        }
        arguments.extend(words.into_iter().map(Into::into));
        arguments
    }

    /// Returns the environment of a call.
    #[must_use]
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// Runs it and waits until it exits.
    pub async fn run(&self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Ran {
        self.start(words).finish().await
    }

    /// Starts it with an empty standard input.
    pub fn start(&self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Running {
        let program = self.path().into_os_string();
        let call = self.starter.iter().map(OsString::from).chain([program]).chain(self.arguments(words));
        let call: Vec<_> = call.collect();
        let mut command = Command::new(&call[0]);
        command.args(&call[1..]).env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stdout = Text::of(child.stdout.take().unwrap());
        let stderr = Text::of(child.stderr.take().unwrap());
        Running { child, stdout, stderr }
    }
}

/// A running call. Killed when this value is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Text,
    stderr: Text,
}

impl Running {
    /// Returns its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the program has exited")
    }

    /// Returns the process that [`as_first_process`](MyApp::as_first_process) has started, with its id outside the
    /// namespace.
    pub async fn first_process(&self) -> u32 {
        let children = format!("/proc/{0}/task/{0}/children", self.pid());
        eventually("the first process", async || {
            let children = std::fs::read_to_string(&children).ok()?;
            children.split_whitespace().next()?.parse().ok()
        })
        .await
    }

    /// Waits until stderr contains this text.
    pub async fn says(&self, text: &str) {
        let what = format!("'{text}' on stderr");
        eventually(&what, async || self.stderr.so_far().contains(text).then_some(())).await;
    }

    /// Sends SIGINT, like ctrl-C.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends SIGHUP, like a broken connection.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// Sends SIGSTOP.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Sends SIGCONT.
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    /// Sends SIGKILL and waits until it has ended.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until it exits.
    pub async fn finish(mut self) -> Ran {
        let Ok(status) = timeout(LIMIT, self.child.wait()).await else {
            panic!("the program does not exit; its output so far\n{}\n{}", self.stdout.so_far(), self.stderr.so_far())
        };
        let code = status.unwrap().code().expect("killed by a signal");
        Ran { code, stdout: self.stdout.whole().await, stderr: self.stderr.whole().await }
    }

    fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }
}

/// Sends a signal, named without `SIG`.
pub fn signal(pid: u32, name: &str) {
    let mut kill = std::process::Command::new("sh");
    kill.args(["-c", "kill -s \"$1\" \"$2\"", "sh", name]).arg(pid.to_string());
    assert!(kill.status().unwrap().success(), "it is gone already");
}

/// Waits until a process has a handler for SIGTERM.
pub async fn handles_signals(pid: u32) {
    const TERMINATE: u64 = 1 << 14;
    eventually("a handler for SIGTERM", async || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        (u64::from_str_radix(caught.trim(), 16).ok()? & TERMINATE > 0).then_some(())
    })
    .await;
}

/// The result of a call.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit: {}\n-- stdout --\n{}\n-- stderr --\n{}", self.code, self.stdout, self.stderr)
    }
}

/// The output of a pipe.
#[derive(Debug)]
struct Text {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Text {
    fn of(mut pipe: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let filled = bytes.clone();
        let reader = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
                filled.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
            }
        });
        Self { bytes, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Returns all output after the other end has closed.
    async fn whole(self) -> String {
        let Self { bytes, reader } = self;
        reader.await.unwrap();
        let bytes = std::mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).expect("the output is not UTF-8")
    }
}
