//! Listens on 127.0.0.1 until a signal.

use std::env;
use std::net::Ipv4Addr;
use std::process::exit;
use std::time::Duration;

use anyhow::Context;
use mongrate::Migrator;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::router;
use crate::admin::{Administration, PAGE};

/// The default port.
const PORT: u16 = 3000;

/// The limit for requests in progress at shutdown. Idle connections are closed then, too.
const GRACE: Duration = Duration::from_secs(3);

/// The exit code after a second signal.
const INTERRUPTED: i32 = 130;

/// Serves until ctrl-C or SIGTERM. Requests in progress get a few seconds more. A second signal ends the process at once.
pub async fn serve(migrator: &Migrator) -> anyhow::Result<()> {
    let admin = Administration::new(migrator)?;
    let listener = listen().await?;
    // Installed before the server starts, so that no signal is lost.
    let mut signals = Signals::listen()?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("\nServing on {url} until ctrl-C. Try:");
    println!("  curl '{url}/customers?limit=2'");
    println!("  curl '{url}/search?q=giulia'");
    println!("  curl '{url}/migrations'");
    println!("\nThe admin page is at {url}{PAGE}");
    if let Some(token) = &admin.token {
        println!("Sign in with the token {token}");
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let routes = router(migrator.database().clone()).merge(admin.router());
    let server = axum::serve(listener, routes).with_graceful_shutdown(async {
        // Nothing is ever sent: the sender is dropped.
        let _ = stopped.await;
    });
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => return Ok(ended??),
        () = signals.next() => println!("\nStopping."),
    }
    drop(stop);
    tokio::spawn(async move {
        signals.next().await;
        exit(INTERRUPTED);
    });
    admin.close().await;
    match timeout(GRACE, server).await {
        Ok(ended) => ended??,
        Err(_) => println!("Some connections did not close in time."),
    }
    Ok(())
}

/// Binds the configured port, or else the default port, or else any free port.
async fn listen() -> anyhow::Result<TcpListener> {
    let asked = match env::var("PORT") {
        Ok(port) => Some(port.parse::<u16>().with_context(|| format!("PORT must be from 0 to 65535, not '{port}'"))?),
        Err(_) => None,
    };
    match TcpListener::bind((Ipv4Addr::LOCALHOST, asked.unwrap_or(PORT))).await {
        Err(_) if asked.is_none() => Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?),
        bound => bound.with_context(|| format!("cannot listen on port {}", asked.unwrap_or(PORT))),
    }
}

/// The signals that stop the service.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
