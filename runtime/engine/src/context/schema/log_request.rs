//! Requests of a body to the executor to store its log.

use tokio::sync::{mpsc, oneshot};

use crate::lock::Session;
use crate::store::LogUpdate;

/// A change of the log that has to be stored under the fence. The session travels with it, because the body's commands and the
/// transactions that store the log use the same one.
#[derive(Debug)]
pub(crate) struct LogRequest {
    pub(crate) session: Session,
    pub(crate) update: LogUpdate,
    pub(crate) answer: oneshot::Sender<(Session, bool)>,
}

/// The channel to the executor.
pub(crate) type LogRequests = mpsc::Sender<LogRequest>;
