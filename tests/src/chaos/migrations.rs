//! The migrations of the workers, and the effects that are counted.

use std::num::NonZeroU32;
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::context::{Documents, Pace};
use mongrate::{Backfill, Error, Registry, Schema, Tx, migration};
use tokio::time::sleep;

type Done = Result<(), mongodb::error::Error>;

/// The qualified ids, in order.
pub(super) const ALL: [&str; 13] = [
    "module:chaos:001_count",
    "module:chaos:002_index",
    "module:chaos:003_insert",
    "module:chaos:004_transfer",
    "module:chaos:005_label",
    "module:chaos:006_many",
    "module:chaos:007_shelf",
    "module:chaos:008_count",
    "module:chaos:009_transfer",
    "module:chaos:010_stock",
    "module:chaos:011_insert",
    "module:chaos:012_last",
    "module:chaos:013_items",
];

/// The number of migrations that stay applied when a round reverts.
pub(super) const KEPT: [usize; 4] = [1, 4, 6, 10];

/// The number of accounts, each of which starts with [`BALANCE`].
pub(super) const ACCOUNTS: i32 = 6;
pub(super) const BALANCE: i64 = 1000;

/// The number of documents that `010_stock` inserts.
pub(super) const STOCK: i32 = 8;

/// The number of documents that `013_items` changes: enough to be divided into ranges.
pub(super) const ITEMS: i64 = 10_500;

/// The effects of a `Tx` migration: 1 in its counter, documents, and transfers with a ledger entry for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect {
    pub(super) id: &'static str,
    pub(super) inserts: i32,
    /// From, to, and amount.
    pub(super) transfers: &'static [(i32, i32, i64)],
    /// The pause between two operations of its body.
    waits: Duration,
}

const fn effect(id: &'static str, inserts: i32, transfers: &'static [(i32, i32, i64)], waits_ms: u64) -> Effect {
    Effect { id, inserts, transfers, waits: Duration::from_millis(waits_ms) }
}

/// The effects that must occur exactly once.
pub(super) const EFFECTS: [Effect; 8] = [
    effect(ALL[0], 0, &[], 0),
    effect(ALL[2], 3, &[], 60),
    effect(ALL[3], 0, &[(0, 1, 10), (1, 2, 7), (2, 3, 5)], 0),
    effect(ALL[5], 6, &[(3, 0, 11), (4, 5, 13)], 30),
    effect(ALL[7], 0, &[], 80),
    effect(ALL[8], 0, &[(5, 0, 3), (0, 4, 2), (1, 5, 17), (3, 2, 1)], 25),
    effect(ALL[10], 5, &[], 0),
    effect(ALL[11], 2, &[(2, 4, 19)], 20),
];

/// The migrations of this module.
pub(super) fn registry() -> Registry {
    Registry::linked().source("module:chaos")
}

macro_rules! exactly_once {
    ($name:ident, $down:ident, $id:literal, [$($dependency:literal),*]) => {
        #[migration(id = $id, source = "module:chaos", deps = [$($dependency),*], down = $down)]
        async fn $name(tx: &mut Tx) -> Done {
            apply(tx, concat!("module:chaos:", $id)).await
        }

        async fn $down(tx: &mut Tx) -> Done {
            revert(tx, concat!("module:chaos:", $id)).await
        }
    };
}

exactly_once!(count, count_down, "001_count", []);
exactly_once!(insert, insert_down, "003_insert", ["module:chaos:001_count", "module:chaos:002_index"]);
exactly_once!(transfer, transfer_down, "004_transfer", ["module:chaos:001_count"]);
exactly_once!(many, many_down, "006_many", ["module:chaos:003_insert", "module:chaos:004_transfer"]);
exactly_once!(count_again, count_again_down, "008_count", []);
exactly_once!(transfer_again, transfer_again_down, "009_transfer", ["module:chaos:006_many"]);
exactly_once!(insert_again, insert_again_down, "011_insert", ["module:chaos:008_count"]);
exactly_once!(
    last,
    last_down,
    "012_last",
    ["module:chaos:009_transfer", "module:chaos:010_stock", "module:chaos:011_insert"]
);

#[migration(id = "002_index", source = "module:chaos", down = index_down)]
async fn index(schema: &mut Schema) -> Result<(), Error> {
    schema.create_index("inserts", doc! { "of": 1 }).await?;
    schema.create_index("ledger", doc! { "of": 1, "act": 1 }).await
}

async fn index_down(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_index("inserts", "of_1").await?;
    schema.drop_index("ledger", "of_1_act_1").await
}

#[migration(id = "005_label", source = "module:chaos", deps = ["module:chaos:002_index"], down = label_down)]
async fn label(database: &Database) -> Done {
    let accounts = database.collection::<Document>("accounts");
    accounts.update_many(doc! {}, doc! { "$set": { "label": "checked" } }).await.map(drop)
}

async fn label_down(database: &Database) -> Done {
    let accounts = database.collection::<Document>("accounts");
    accounts.update_many(doc! {}, doc! { "$unset": { "label": "" } }).await.map(drop)
}

#[migration(id = "007_shelf", source = "module:chaos", deps = ["module:chaos:005_label"], down = shelf_down)]
async fn shelf(schema: &mut Schema) -> Result<(), Error> {
    schema.create_collection("shelf").validator(doc! { "place": { "$gte": 0 } }).await?;
    schema.create_index("shelf", doc! { "place": 1 }).unique().await
}

async fn shelf_down(schema: &mut Schema) -> Result<(), Error> {
    schema.drop_collection("shelf").await
}

#[migration(id = "010_stock", source = "module:chaos", deps = ["module:chaos:007_shelf"], down = stock_down)]
async fn stock(database: &Database) -> Done {
    let shelf = database.collection::<Document>("shelf");
    for place in 0..STOCK {
        shelf.update_one(doc! { "_id": place }, doc! { "$set": { "place": place } }).upsert(true).await?;
    }
    Ok(())
}

async fn stock_down(database: &Database) -> Done {
    database.collection::<Document>("shelf").delete_many(doc! {}).await.map(drop)
}

/// Counts how often each item was changed.
#[migration(id = "013_items", source = "module:chaos", deps = ["module:chaos:001_count"], down = items_down)]
async fn items(backfill: &mut Backfill) -> Result<(), Error> {
    under_fire(backfill).update(doc! { "$inc": { "up": 1 } }).await
}

async fn items_down(backfill: &mut Backfill) -> Result<(), Error> {
    under_fire(backfill).update(doc! { "$inc": { "down": 1 } }).await
}

/// Slow enough for some faults.
fn under_fire(backfill: &mut Backfill) -> Documents<'_> {
    let (batch, rate) = (NonZeroU32::MIN.saturating_add(199), NonZeroU32::MIN.saturating_add(2_999));
    backfill.collection("items").batch(batch).pace(Pace::Rate(rate))
}

fn effect_of(id: &str) -> Effect {
    EFFECTS.into_iter().find(|effect| effect.id == id).expect("every Tx migration has an effect")
}

async fn apply(tx: &mut Tx, id: &str) -> Done {
    let effect = effect_of(id);
    tally(tx, id, "up").await?;
    for number in 0..effect.inserts {
        sleep(effect.waits).await;
        // No `_id`, so that a duplicate effect leaves two documents.
        tx.collection::<Document>("inserts").insert_one(doc! { "of": id, "number": number }).await?;
    }
    for (from, to, amount) in effect.transfers {
        sleep(effect.waits).await;
        transfer_between(tx, (*from, *to, *amount), id, "up").await?;
    }
    sleep(effect.waits).await;
    Ok(())
}

async fn revert(tx: &mut Tx, id: &str) -> Done {
    let effect = effect_of(id);
    tally(tx, id, "down").await?;
    for (from, to, amount) in effect.transfers {
        sleep(effect.waits).await;
        transfer_between(tx, (*to, *from, *amount), id, "down").await?;
    }
    sleep(effect.waits).await;
    tx.collection::<Document>("inserts").delete_many(doc! { "of": id }).await?;
    Ok(())
}

/// Counts how often a migration has taken effect, and how often it was reverted.
async fn tally(tx: &mut Tx, id: &str, act: &str) -> Done {
    let counters = tx.collection::<Document>("counters");
    counters.update_one(doc! { "_id": id }, doc! { "$inc": { act: 1 } }).with(|action| action.upsert(true)).await?;
    Ok(())
}

/// Reads a balance and writes the rest, which is correct only if nobody else writes it in between.
async fn transfer_between(tx: &mut Tx, (from, to, amount): (i32, i32, i64), id: &str, act: &str) -> Done {
    let accounts = tx.collection::<Document>("accounts");
    let account = accounts.find_one(doc! { "_id": from }).await?;
    let balance = account.and_then(|account| account.get_i64("balance").ok());
    let balance = balance.ok_or_else(|| mongodb::error::Error::custom(format!("account {from} has no balance")))?;
    accounts.update_one(doc! { "_id": from }, doc! { "$set": { "balance": balance - amount } }).await?;
    accounts.update_one(doc! { "_id": to }, doc! { "$inc": { "balance": amount } }).await?;
    let entry = doc! { "of": id, "act": act, "from": from, "to": to, "amount": amount };
    tx.collection::<Document>("ledger").insert_one(entry).await?;
    Ok(())
}
