//! The smallest axum service that migrates at startup, and serves a readiness check.
//!
//! ```sh
//! MONGODB_URI='mongodb://localhost/?replicaSet=rs0' cargo run -p sample-app --example boot
//! curl localhost:3000/ready
//! ```
//!
//! `MONGRATE_AUTO=false` makes it check instead: it exits if anything is pending.

use std::env;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, serve};
use mongodb::bson::{Document, doc};
use mongrate::{Migrator, Schema, migration};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

/// Email addresses are unique.
#[migration(id = "001_create_users")]
async fn create_users(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "email": 1 }).unique().await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let booted =
        Migrator::connect(env::var("MONGODB_URI")?, "example_boot").await?.actor("boot example").boot().await?;
    println!("{booted}");

    // Keep the migrator: its clones share what `health` remembers.
    let migrator = booted.migrator().clone();
    let client = migrator.database().client().clone();
    let app = Router::new().route("/ready", get(ready)).route("/users", get(users)).with_state(migrator);
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("Serving on http://{}", listener.local_addr()?);
    let stop = async {
        // Without a handler for ctrl-C, which then ends the process.
        if ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    serve(listener, app).with_graceful_shutdown(stop).await?;
    client.shutdown().await;
    Ok(())
}

/// For readiness, not for liveness: a restart of the database must not restart the service.
async fn ready(State(migrator): State<Migrator>) -> (StatusCode, String) {
    match migrator.health().await {
        Ok(health) if health.is_ready() => (StatusCode::OK, health.to_string()),
        Ok(health) => (StatusCode::SERVICE_UNAVAILABLE, health.to_string()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

async fn users(State(migrator): State<Migrator>) -> Result<String, StatusCode> {
    let users = migrator.database().collection::<Document>("users");
    let count = users.count_documents(doc! {}).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(count.to_string())
}
