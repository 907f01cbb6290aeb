//! How long an answer may take.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use mongodb::bson::oid::ObjectId;
use tokio::time::timeout;
use tracing::Instrument;

use crate::problem::Problem;

/// The limits of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the client to send its body.
    pub(crate) body: Duration,
    /// For the answer to a request that only reads.
    pub(crate) read: Duration,
    /// For the answer to any other request, which may wait for the end of a run.
    pub(crate) write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [body, read, write] = [10, 10, 90].map(Duration::from_secs);
        Self { body, read, write }
    }
}

impl Patience {
    /// Answers within the limit of the method, whatever the database does.
    pub(crate) async fn answer(
        self,
        method: &Method,
        work: impl Future<Output = Response> + Send + 'static,
    ) -> Response {
        let limit = if method.is_safe() { self.read } else { self.write };
        // The driver's futures must not be dropped, not even when the client goes away. So they belong to a task.
        let task = tokio::spawn(work.in_current_span());
        match timeout(limit, task).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => {
                let id = ObjectId::new();
                tracing::error!(%id, error = %panic, "a request to the admin panicked");
                let detail = format!("the admin failed to answer; its log has the details under the id {id}");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
            }
            Err(_) => exhausted(limit).into_response(),
        }
    }
}

/// The database has not answered within a limit.
pub(crate) fn exhausted(limit: Duration) -> Problem {
    let detail = format!("the database has not answered within {} seconds", limit.as_secs());
    let help = "try again; if this repeats, check the database and the network between it and this process";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unreachable", detail).help(help).retry_after(5)
}
