//! Server-sent events: what happens, for programs, and that something has changed, for the page.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, interval, sleep, sleep_until};

use crate::call::Call;
use crate::problem::Problem;
use crate::text::visible_json;
use crate::watch::{Message, STREAMS, Viewer};

/// Then the client comes back by itself, and access is asked for again. A shutdown is never held up for longer.
const LIFE: Duration = Duration::from_secs(20);

const HEARTBEAT: Duration = Duration::from_secs(10);

/// How long a client waits before it comes back.
const RETRY: Duration = Duration::from_secs(1);

/// The page reads itself again at most this often.
const BETWEEN_CHANGES: Duration = Duration::from_millis(300);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

struct Stream {
    viewer: Viewer,
    end: Instant,
    heartbeat: Interval,
    is_first: bool,
    is_last: bool,
    /// Whether to send only that something has changed.
    only_changes: bool,
    _permit: OwnedSemaphorePermit,
}

/// The stream of the API: `state`, `step`, `operation`, `tenants` and `gone`.
pub(crate) async fn all(call: Call, headers: HeaderMap) -> Result<Response, Problem> {
    open(&call, &headers, false)
}

/// The stream of the page: `changed`.
pub(crate) async fn changes(call: Call, headers: HeaderMap) -> Result<Response, Problem> {
    open(&call, &headers, true)
}

fn open(call: &Call, headers: &HeaderMap, only_changes: bool) -> Result<Response, Problem> {
    let refused = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(5);
    let permit = call.admin.streams().clone().try_acquire_owned();
    let permit = permit.map_err(|_| refused(format!("this process serves {STREAMS} streams already")))?;
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let viewer = call.site.watch().view(last).ok_or_else(|| refused("this process is shutting down".to_owned()))?;
    let mut viewer = viewer;
    if only_changes && last.is_none() {
        // The page has just been read.
        viewer.missed.clear();
    }
    let end = Instant::now() + LIFE;
    let heartbeat = interval(HEARTBEAT);
    let stream = Stream { viewer, end, heartbeat, is_first: true, is_last: false, only_changes, _permit: permit };
    let events = stream::unfold(stream, async |mut stream| {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    });
    Ok(([(BUFFERING, "no")], Sse::new(events)).into_response())
}

impl Stream {
    /// Returns the next event, or `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        if self.is_last {
            return None;
        }
        let message = match self.viewer.missed.pop_front() {
            Some(message) if !self.is_first => Some(message),
            kept => {
                if let Some(message) = kept {
                    self.viewer.missed.push_front(message);
                }
                self.wait().await?
            }
        };
        let Some(message) = message else {
            let comment = Event::default().comment("");
            let is_first = std::mem::take(&mut self.is_first);
            if !is_first {
                return Some(comment);
            }
            // An id without data: a browser keeps it, and sends it when it comes back.
            let comment = if self.only_changes { comment.id(&self.viewer.latest) } else { comment };
            return Some(comment.retry(RETRY));
        };
        self.is_last = message.kind == "gone";
        let message = if self.only_changes { self.newest(message).await } else { message };
        let kind = if self.only_changes { "changed" } else { message.kind };
        let event = Event::default().event(kind).id(&message.id);
        let data = if self.only_changes { serde_json::json!({}) } else { message.data.clone() };
        Some(event.data(visible_json(&data.to_string())))
    }

    /// Waits for a message. `Some(None)` is a heartbeat, which comes first of all.
    async fn wait(&mut self) -> Option<Option<Arc<Message>>> {
        let end = pin!(sleep_until(self.end));
        tokio::select! {
            biased;
            _ = self.heartbeat.tick() => Some(None),
            () = end => None,
            received = self.viewer.receiver.recv() => match received {
                Ok(message) => Some(Some(message)),
                // It is too slow, and reads everything when it comes back.
                Err(RecvError::Lagged(_) | RecvError::Closed) => None,
            }
        }
    }

    /// Waits for what else changes soon, and returns the newest message.
    async fn newest(&mut self, mut message: Arc<Message>) -> Arc<Message> {
        sleep(BETWEEN_CHANGES).await;
        while let Some(newer) = self.viewer.missed.pop_front() {
            message = newer;
        }
        while let Ok(newer) = self.viewer.receiver.try_recv() {
            self.is_last |= newer.kind == "gone";
            message = newer;
        }
        message
    }
}
