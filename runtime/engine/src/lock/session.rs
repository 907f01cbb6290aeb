//! The session of a run, which the application must never get while another process may end its transactions.

use std::future::{IntoFuture, poll_fn};
use std::ops::{Deref, DerefMut};
use std::pin::pin;

use mongodb::error::Result;
use mongodb::{Client, ClientSession};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{spawn_blocking, yield_now};

/// A session that a lease document may name.
///
/// Whoever finds a session there ends its transactions, perhaps much later: a holder that did not release its lease may
/// be alive. But the driver puts every session that is dropped back into its client's pool, from where the application
/// gets it next, and there is no call to prevent that. Nor can the session be kept for ever, because a client that is
/// shut down waits for all of its sessions. What goes back does so in a task of the runtime on which the session was
/// made. So it is made on a runtime of its own, which never runs that task unless the session may go back.
#[derive(Debug)]
pub(crate) struct Session {
    /// Dropped before the session.
    own: Own,
    session: ClientSession,
}

/// A runtime that ends without doing anything when it is dropped; `None` for a session that may always go back.
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
    /// One that a lease document will name.
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

    /// One that no lease document will name.
    pub(crate) async fn unnamed(client: &Client) -> Result<Self> {
        Ok(Self { own: Own(None), session: client.start_session().await? })
    }

    /// Puts it into its client's pool: no lease document names it any more.
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
            tracing::debug!("a session was not given back, since the runtime ends");
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
