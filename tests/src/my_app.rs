//! The application with a command line, `src/bin/my-app/`, as a process of its own.

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

/// What starts a program as the first process of a namespace.
const UNSHARE: &[&str] =
    &["/usr/bin/unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];

/// No command of a test takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// How the program is to be called: on which database, and in which environment. Nothing of the environment of the tests
/// reaches it, so that a test means the same wherever it runs; it is called by `USER=ana`.
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
    /// What comes before the command.
    prefix: Vec<String>,
    uri: Option<String>,
    variables: Vec<(String, String)>,
    folder: Option<PathBuf>,
    /// What starts it.
    starter: Vec<&'static str>,
}

impl MyApp {
    /// As `my-app migrate --uri <connection string with the test's database>`.
    #[must_use]
    pub fn on(db: &TestDb) -> Self {
        Self::anywhere().at(&Self::uri(db))
    }

    /// As `my-app migrate`: nothing says where the database is.
    #[must_use]
    pub fn anywhere() -> Self {
        let variables = vec![("USER".to_owned(), "ana".to_owned())];
        Self { prefix: vec!["migrate".to_owned()], uri: None, variables, folder: None, starter: Vec::new() }
    }

    /// The connection string of a test's database.
    #[must_use]
    pub fn uri(db: &TestDb) -> String {
        db.uri().replacen("/?", &format!("/{}?", db.name()), 1)
    }

    /// With this connection string as `--uri`.
    #[must_use]
    pub fn at(mut self, uri: &str) -> Self {
        self.uri = Some(uri.to_owned());
        self
    }

    /// With other words than `migrate` before the command, like `tools db`.
    #[must_use]
    pub fn called(mut self, words: &[&str]) -> Self {
        self.prefix = words.iter().copied().map(str::to_owned).collect();
        self
    }

    /// With this variable in its environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this working directory.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// As at a terminal, although the tests may have been started so that they outlive theirs (`nohup`), which is passed on.
    #[must_use]
    pub fn heeding_hang_ups(mut self) -> Self {
        self.starter = vec!["/usr/bin/env", "--default-signal=HUP"];
        self
    }

    /// As the first process of a container, in a namespace of its own: it gets only the signals for which it has a handler.
    #[must_use]
    pub fn as_first_process(mut self) -> Self {
        self.starter = [UNSHARE, &["--"]].concat();
        self
    }

    /// Whether this machine lets a process have such a namespace.
    #[must_use]
    pub fn can_be_first_process() -> bool {
        let mut unshare = std::process::Command::new(UNSHARE[0]);
        unshare.args(&UNSHARE[1..]).arg("true").status().is_ok_and(|status| status.success())
    }

    /// The program itself.
    ///
    /// Cargo puts test programs into `deps`, beside which the package's own programs lie.
    #[must_use]
    pub fn program() -> PathBuf {
        let mut folder = env::current_exe().unwrap();
        folder.pop();
        if folder.ends_with("deps") {
            folder.pop();
        }
        folder.join("my-app")
    }

    /// All arguments of a call.
    pub fn arguments(&self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = self.prefix.iter().map(OsString::from).collect();
        if let Some(uri) = &self.uri {
            arguments.extend(["--uri".into(), uri.into()]);
        }
        arguments.extend(words.into_iter().map(Into::into));
        arguments
    }

    /// The environment of a call.
    #[must_use]
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// Calls it and waits until it ends.
    pub async fn run(&self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Ran {
        self.start(words).finish().await
    }

    /// Calls it and lets it run, with nothing to read on its standard input.
    pub fn start(&self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Running {
        let program = Self::program().into_os_string();
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

/// A call that has not ended yet, as far as is known. Killed when this value is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Text,
    stderr: Text,
}

impl Running {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has ended")
    }

    /// The process that [`as_first_process`](MyApp::as_first_process) has started, seen from outside.
    pub async fn first_process(&self) -> u32 {
        let children = format!("/proc/{0}/task/{0}/children", self.pid());
        eventually("the first process", async || {
            let children = std::fs::read_to_string(&children).ok()?;
            children.split_whitespace().next()?.parse().ok()
        })
        .await
    }

    /// Waits until this is a part of what it has written to stderr.
    pub async fn says(&self, text: &str) {
        let what = format!("'{text}' on stderr");
        eventually(&what, async || self.stderr.so_far().contains(text).then_some(())).await;
    }

    /// SIGINT, as ctrl-C does it.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// SIGHUP, as a connection that breaks does it.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// SIGSTOP.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    /// SIGKILL; returns when it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for its end.
    pub async fn finish(mut self) -> Ran {
        let Ok(status) = timeout(LIMIT, self.child.wait()).await else {
            panic!("it does not end; so far\n{}\n{}", self.stdout.so_far(), self.stderr.so_far())
        };
        let code = status.unwrap().code().expect("a signal has ended it");
        Ran { code, stdout: self.stdout.whole().await, stderr: self.stderr.whole().await }
    }

    fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }
}

/// Sends a signal, by its name without `SIG`.
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

/// A call that has ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// What it was asked for.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit: {}\n-- stdout --\n{}\n-- stderr --\n{}", self.code, self.stdout, self.stderr)
    }
}

/// What comes out of a pipe.
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

    /// Everything, once the other end is closed.
    async fn whole(self) -> String {
        let Self { bytes, reader } = self;
        reader.await.unwrap();
        let bytes = std::mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).expect("not UTF-8")
    }
}
