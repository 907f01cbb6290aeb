//! What a body asks of the executor: to store its log before it goes on.

use tokio::sync::{mpsc, oneshot};

use crate::lock::Session;
use crate::store::LogUpdate;

/// A change of the log that has to be stored under the fence. The session comes with it, since the body's commands and the
/// transactions of its log go out on the same one.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) session: Session,
    pub(crate) update: LogUpdate,
    pub(crate) answer: oneshot::Sender<(Session, bool)>,
}

/// The way to the executor.
pub(crate) type Asking = mpsc::Sender<Ask>;
