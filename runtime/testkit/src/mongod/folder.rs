//! The data folder of a server: the caller's own, or a temporary one that is removed with the server.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, PipeWriter};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process};

use super::error::{Error, Tried};

/// The data folder, with a subfolder for each member.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    janitor: Option<Janitor>,
}

/// A process that removes the temporary folder even if this process is killed.
#[derive(Debug)]
struct Janitor {
    child: Child,
    // Every process that uses the folder holds a copy of this end, and the janitor waits for all of them.
    pipe: PipeWriter,
}

impl Folder {
    pub(super) fn kept(path: &Path) -> Result<Self, Error> {
        let make = || {
            fs::create_dir_all(path)?;
            fs::canonicalize(path)
        };
        let path = make().tried(|| format!("make the data folder {}", path.display()))?;
        Ok(Self { path, janitor: None })
    }

    pub(super) fn temporary() -> Result<Self, Error> {
        let path = fresh().tried(|| format!("make a folder in {}", env::temp_dir().display()))?;
        match Janitor::engage(&path) {
            Ok(janitor) => Ok(Self { path, janitor: Some(janitor) }),
            Err(error) => {
                let _ = fs::remove_dir(&path);
                Err(error).tried(|| "run sh, which watches over the server".to_owned())
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_kept(&self) -> bool {
        self.janitor.is_none()
    }

    /// Returns a handle for a supervisor that keeps the folder as long as its mongod may write there.
    pub(super) fn hold(&self) -> io::Result<Stdio> {
        match &self.janitor {
            Some(janitor) => Ok(janitor.pipe.try_clone()?.into()),
            None => Ok(Stdio::null()),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(Janitor { mut child, pipe }) = self.janitor.take() {
            drop(pipe);
            let _ = child.wait();
        }
    }
}

impl Janitor {
    fn engage(folder: &Path) -> io::Result<Self> {
        let (reader, pipe) = io::pipe()?;
        let child = Command::new("/bin/sh")
            .args(["-c", include_str!("janitor.sh"), "mongrate-janitor"])
            .arg(folder)
            .current_dir("/")
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // ctrl-C signals the whole foreground group; this process must not get it.
            .process_group(0)
            .spawn()?;
        Ok(Self { child, pipe })
    }
}

/// Creates a folder that only the current user can access.
fn fresh() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("mongrate-mongod-{}-{number}", process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return fs::canonicalize(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
