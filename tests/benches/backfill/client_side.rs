//! The change computed in Rust.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, RawDocumentBuf, doc, rawdoc};
use mongodb::{ClientSession, Database};

use crate::Result;
use crate::orders::{Order, by_id, orders};

/// Most statements of one `update` command.
const STATEMENTS: usize = 1_000;

/// Rewrites the orders that match, without a transaction.
pub(crate) async fn rewrite(database: Database, filter: Document) -> Result<()> {
    let orders = orders::<Order>(&database);
    let found = orders.find(filter).projection(fields()).hint(by_id()).batch_size(BATCH);
    let found: Vec<Order> = found.await?.try_collect().await?;
    for chunk in found.chunks(STATEMENTS) {
        expect(chunk, &database.run_raw_command(update(chunk)).await?)?;
    }
    Ok(())
}

/// Rewrites the orders that match, in the transaction of the session.
pub(crate) async fn rewrite_in(session: &mut ClientSession, database: &Database, filter: Document) -> Result<()> {
    let orders = orders::<Order>(database);
    let found = orders.find(filter).projection(fields()).hint(by_id()).batch_size(BATCH);
    let mut found = found.session(&mut *session).await?;
    let found: Vec<Order> = found.stream(session).try_collect().await?;
    for chunk in found.chunks(STATEMENTS) {
        expect(chunk, &database.run_raw_command(update(chunk)).session(&mut *session).await?)?;
    }
    Ok(())
}

/// More than any batch has, so that one reply carries it.
const BATCH: u32 = 20_000;

fn fields() -> Document {
    doc! { "lines.price": 1 }
}

fn update(found: &[Order]) -> RawDocumentBuf {
    let statement = |order: &Order| rawdoc! { "q": { "_id": order.id }, "u": { "$set": { "total": order.total() } } };
    let statements: mongodb::bson::RawArrayBuf = found.iter().map(statement).collect();
    rawdoc! { "update": "orders", "ordered": false, "updates": statements }
}

fn expect(sent: &[Order], reply: &Document) -> Result<()> {
    if reply.contains_key("writeErrors") || reply.get_i32("n")? != i32::try_from(sent.len())? {
        return Err(format!("{} updates were sent, and the server replied {reply}", sent.len()).into());
    }
    Ok(())
}
