//! What people write without a library: no transactions, no checkpoints.

use std::sync::Arc;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use tokio::task::JoinSet;

use crate::cost::Done;
use crate::keys::Keys;
use crate::orders::{change, orders};
use crate::{Result, client_side};

#[derive(Clone, Copy)]
pub(crate) struct ByHand {
    pub(crate) batch: u32,
    pub(crate) workers: usize,
}

/// The reference of all ratios.
pub(crate) async fn update_many(database: Database) -> Result<Done> {
    orders::<Document>(&database).update_many(doc! {}, change()).await?;
    Ok(Done { batches: 1, retries: 0 })
}

/// One `update_many` per stretch.
pub(crate) async fn on_the_server(database: Database, how: ByHand) -> Result<Done> {
    in_stretches(database, how, update_stretch).await
}

async fn update_stretch(database: Database, stretch: Document) -> Result<()> {
    orders::<Document>(&database).update_many(stretch, change()).await?;
    Ok(())
}

/// Finds the orders of a stretch, computes, and writes one `update` command per 1,000.
pub(crate) async fn in_the_client(database: Database, how: ByHand) -> Result<Done> {
    in_stretches(database, how, client_side::rewrite).await
}

async fn in_stretches<F>(database: Database, how: ByHand, rewrite: fn(Database, Document) -> F) -> Result<Done>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let keys = Arc::new(Keys::new(&database, how.batch));
    let mut workers = JoinSet::new();
    for _ in 0..how.workers {
        let (keys, database) = (keys.clone(), database.clone());
        workers.spawn(async move {
            let mut batches = 0;
            while let Some(stretch) = keys.next().await? {
                rewrite(database.clone(), stretch).await?;
                batches += 1;
            }
            Result::Ok(batches)
        });
    }
    let mut done = Done::default();
    while let Some(batches) = workers.join_next().await {
        done.batches += batches??;
    }
    Ok(done)
}
