//! The protocol of a backfill, written against the driver: each batch is a transaction that ends with the checkpoint of
//! its range.

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, TRANSIENT_TRANSACTION_ERROR};
use mongodb::options::{Acknowledgment, ReadConcern, WriteConcern};
use mongodb::{ClientSession, Database};
use tokio::task::{JoinHandle, JoinSet};

use crate::cost::Done;
use crate::orders::{by_id, change, orders};
use crate::ranges::{Range, claim, plan, ranges};
use crate::{Result, client_side, keys};

/// Which side computes the change.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    Server,
    Client,
}

#[derive(Clone, Copy)]
pub(crate) struct Protocol {
    pub(crate) work: Work,
    pub(crate) batch: u32,
    pub(crate) workers: usize,
    /// Whether the next bound is looked up while a batch runs.
    pub(crate) prefetch: bool,
}

pub(crate) async fn run(database: Database, how: Protocol) -> Result<Done> {
    plan(&database, how.workers).await?;
    let mut workers = JoinSet::new();
    for _ in 0..how.workers {
        workers.spawn(work(database.clone(), how));
    }
    let mut done = Done::default();
    while let Some(part) = workers.join_next().await {
        let part = part??;
        done.batches += part.batches;
        done.retries += part.retries;
    }
    Ok(done)
}

async fn work(database: Database, how: Protocol) -> Result<Done> {
    let mut session = database.client().start_session().await?;
    let ranges = ranges(&database);
    let mut done = Done::default();
    while let Some(mut range) = claim(&ranges).await? {
        let mut bound = look_up(&database, &range, &range.next, how).await??;
        loop {
            let ahead = bound.as_ref().filter(|_| how.prefetch).map(|bound| look_up(&database, &range, bound, how));
            while let Err(error) = batch(&mut session, &database, &range, bound.as_ref(), how).await {
                if !is_transient(&*error) {
                    return Err(error);
                }
                done.retries += 1;
            }
            done.batches += 1;
            let Some(reached) = bound else { break };
            range.next = reached;
            bound = match ahead {
                Some(ahead) => ahead.await??,
                None => look_up(&database, &range, &range.next, how).await??,
            };
        }
    }
    Ok(done)
}

/// Looks up the end of the batch that begins at a key. `None` is the end of the range.
fn look_up(database: &Database, range: &Range, from: &Bson, how: Protocol) -> JoinHandle<Result<Option<Bson>>> {
    let (orders, rest) = (orders(database), range.rest(from));
    tokio::spawn(async move { keys::bound(&orders, rest, how.batch).await })
}

async fn batch(
    session: &mut ClientSession,
    database: &Database,
    range: &Range,
    bound: Option<&Bson>,
    how: Protocol,
) -> Result<()> {
    let durable = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    session.start_transaction().read_concern(ReadConcern::snapshot()).write_concern(durable).await?;
    let written = match rewrite(session, database, range.up_to(bound), how).await {
        Ok(()) => checkpoint(session, database, range, bound).await,
        error => error,
    };
    if let Err(error) = written {
        session.abort_transaction().await?;
        return Err(error);
    }
    Ok(session.commit_transaction().await?)
}

async fn rewrite(session: &mut ClientSession, database: &Database, filter: Document, how: Protocol) -> Result<()> {
    match how.work {
        Work::Server => {
            let orders = orders::<Document>(database);
            orders.update_many(filter, change()).hint(by_id()).session(session).await?;
            Ok(())
        }
        Work::Client => client_side::rewrite_in(session, database, filter).await,
    }
}

/// Moves the range's `next`, unless somebody else has claimed the range.
async fn checkpoint(
    session: &mut ClientSession,
    database: &Database,
    range: &Range,
    bound: Option<&Bson>,
) -> Result<()> {
    let ours = doc! { "_id": &range.id, "token": &range.token, "next": &range.next, "state": "open" };
    let moved = doc! { "$set": {
        "next": { "$literal": bound.unwrap_or(&range.hi) },
        "batches": { "$add": ["$batches", 1] },
        "claim.until": { "$add": ["$$NOW", 90_000] },
        "state": if bound.is_none() { "done" } else { "open" },
    } };
    let moved = ranges(database).update_one(ours, vec![moved]).session(session).await?;
    if moved.matched_count == 1 { Ok(()) } else { Err(format!("range {} has another owner", range.id).into()) }
}

fn is_transient(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<Error>().is_some_and(|error| error.contains_label(TRANSIENT_TRANSACTION_ERROR))
}
