//! The session of a run, which must not return to the driver's pool while another process may end it.

use std::future::{IntoFuture, poll_fn};
use std::ops::{Deref, DerefMut};
use std::pin::pin;

use mongodb::error::Result;
use mongodb::{Client, ClientSession};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{spawn_blocking, yield_now};

/// A session that a lease document may name.
///
/// A later holder ends the transactions of sessions that it finds in the lease document. Until then, the application must not use
/// the session. But the driver returns every dropped session to the pool of its client, and this cannot be disabled. The session
/// cannot be leaked, either, because `Client::shutdown` waits for all sessions. The driver returns a session in a task on the
/// runtime on which it was created. So the session is created on a runtime of its own, which runs that task only if the session
/// may be reused.
#[derive(Debug)]
pub(crate) struct Session {
    /// Dropped before the session.
    own: Own,
    session: ClientSession,
}

/// A runtime that is shut down without running its tasks when it is dropped. `None` for a session that can always be reused.
#[derive(Debug)]
struct Own(Option<Runtime>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Session {
    /// Starts a session that a lease document will name.
    pub(crate) async fn start(client: &Client) -> Result<Self> {
        let runtime = Builder::new_current_thread().build()?;
        let mut starting = pin!(client.start_session().into_future());
        let session = poll_fn(|context| {
            let _own = runtime.enter();
            starting.as_mut().poll(context)
        })
        .await?;
        Ok(Self { own: Own(Some(runtime)), session })
    }

    /// Starts a session that no lease document will name.
    pub(crate) async fn unnamed(client: &Client) -> Result<Self> {
        Ok(Self { own: Own(None), session: client.start_session().await? })
    }

    /// Returns the session to the pool of its client, once no lease document names it any more.
    pub(crate) async fn give_back(self) {
        let Self { mut own, session } = self;
        let Some(runtime) = own.0.take() else { return };
        let given_back = spawn_blocking(move || {
            runtime.block_on(async move {
                drop(session);
                while Handle::current().metrics().num_alive_tasks() > 0 {
                    yield_now().await;
                }
            });
        });
        if given_back.await.is_err() {
            tracing::debug!("a session was not returned to the pool, because the runtime is shutting down");
        }
    }
}

impl Deref for Session {
    type Target = ClientSession;

    fn deref(&self) -> &ClientSession {
        &self.session
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut ClientSession {
        &mut self.session
    }
}
