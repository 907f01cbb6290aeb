//! A session of a simulated process, and the driver's errors.

use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure};

use super::schedule::Call;
use super::server::{Gone, Transaction};

/// One transaction after the other.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: i64,
    pub(super) document: Document,
    number: u64,
    /// Whether an operation of the transaction was sent.
    used: bool,
    committed: bool,
}

impl Session {
    pub(super) fn new(id: i64) -> Self {
        Self { id, document: doc! { "id": id }, number: 0, used: false, committed: false }
    }

    pub(super) fn start(&mut self) {
        self.number += 1;
        self.used = false;
        self.committed = false;
    }

    /// Whether a commit that is about to be sent is sent for the first time.
    pub(super) fn is_first_commit(&mut self) -> bool {
        !std::mem::replace(&mut self.committed, true)
    }

    /// The transaction, and whether the operation that is about to be sent is its first.
    pub(super) fn transaction(&mut self) -> (Transaction, bool) {
        let first = !std::mem::replace(&mut self.used, true);
        ((self.id, self.number), first)
    }
}

/// A server's error with a code and a label. Only this kind of error can be made with labels from outside the driver.
pub(super) fn error(code: i32, name: &str, label: Option<&str>) -> Error {
    let labels: Vec<_> = label.into_iter().collect();
    let error = serde_json::json!({ "code": code, "codeName": name, "errmsg": name, "errorLabels": labels });
    let error = serde_json::from_value(error).expect("an error as the server tells it");
    ErrorKind::Write(WriteFailure::WriteConcernError(error)).into()
}

/// An error without a label.
pub(super) fn failed(code: i32) -> Error {
    error(code, "Failed", None)
}

/// The driver's error for a connection that broke during a call.
pub(super) fn broken(at: Call) -> Error {
    match label(at) {
        None => std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
        label => error(91, "ShutdownInProgress", label),
    }
}

/// The server timed out.
pub(super) fn expired(at: Call) -> Error {
    error(50, "MaxTimeMSExpired", label(at).filter(|_| at == Call::Commit))
}

/// The server steps down: 91 would do, but a raised fence is told apart by this.
pub(super) const IN_DOUBT: i32 = 11602;

/// The server steps down while it waits for a majority.
pub(super) fn in_doubt(at: Call) -> Error {
    error(IN_DOUBT, "InterruptedDueToReplStateChange", label(at))
}

pub(super) fn refused() -> Error {
    failed(8000)
}

impl From<Gone> for Error {
    fn from(gone: Gone) -> Self {
        let (code, name) = match gone {
            Gone::Conflict => (112, "WriteConflict"),
            Gone::NoSuchTransaction => (251, "NoSuchTransaction"),
        };
        error(code, name, Some(TRANSIENT_TRANSACTION_ERROR))
    }
}

/// How the driver labels a broken connection.
fn label(at: Call) -> Option<&'static str> {
    match at {
        Call::Body | Call::Write | Call::Pass => Some(TRANSIENT_TRANSACTION_ERROR),
        Call::Commit => Some(UNKNOWN_TRANSACTION_COMMIT_RESULT),
        _ => None,
    }
}
