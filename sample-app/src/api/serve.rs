//! Listening on 127.0.0.1 until told to stop.

use std::env;
use std::net::Ipv4Addr;

use anyhow::Context;
use mongodb::Database;
use tokio::net::TcpListener;
use tokio::signal;

use super::router;

/// Where to listen when `PORT` does not say.
const PORT: u16 = 3000;

/// Serves until ctrl-C or SIGTERM; requests under way are answered before it returns.
pub async fn serve(database: &Database) -> anyhow::Result<()> {
    let listener = listen().await?;
    let stop = told_to_stop()?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("\nServing on {url} until ctrl-C. Try:");
    println!("  curl '{url}/customers?limit=2'");
    println!("  curl '{url}/search?q=giulia'");
    println!("  curl '{url}/migrations'");
    axum::serve(listener, router(database.clone())).with_graceful_shutdown(stop).await?;
    Ok(())
}

/// The port that was asked for, or else the usual one, or else any.
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

/// Listens for the signals from now on, so that none that comes between here and the server is lost.
fn told_to_stop() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt())?;
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        println!("\nStopping.");
    })
}
