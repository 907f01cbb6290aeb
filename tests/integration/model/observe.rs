//! The actual state of the database.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::history::HistoryEntry;
use mongrate::record::Record;
use mongrate_tests::drawn::{Drawing, LEDGER, PLUGIN_PREFIX, SHELF, checksum};

use super::state::{Entry, Stored, World};

/// All that there is to see, but for what a model has no opinion on.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) world: World,
    pub(super) history: Vec<HistoryEntry>,
    /// The newest token on record.
    pub(super) newest: i64,
    pub(super) lock: Lock,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lock {
    /// Whether there is a lease or a fence. A process can be killed between the two.
    pub(super) exists: bool,
    pub(super) held: bool,
    pub(super) token: i64,
    pub(super) fence: i64,
}

impl Seen {
    pub(super) async fn now(db: &Database, drawing: &Drawing) -> Self {
        let place = |id: &str| drawing.0.iter().position(|drawn| drawn.id == id).unwrap();
        let version = |text: &str| text.rsplit(':').next().and_then(|version| version.parse().ok()).unwrap();
        debug_assert_eq!(version(&checksum(7)), 7);
        let records: Vec<Record> =
            db.collection("migrations").find(doc! {}).await.unwrap().try_collect().await.unwrap();
        // In the order of writing: the ids of two processes are in none.
        let history = db.collection::<HistoryEntry>("migrations_history");
        let history = history.find(doc! { "act": { "$ne": "run" } }).sort(doc! { "$natural": 1 }).await.unwrap();
        let history: Vec<_> = history.try_collect().await.unwrap();
        let stored = |record: &Record| Stored {
            status: record.status,
            direction: record.direction,
            batch: record.batch,
            attempts: record.attempts,
            version: version(&record.checksum),
            has_error: record.error.is_some(),
        };
        let entry = |entry: &HistoryEntry| Entry {
            act: entry.act,
            place: entry.migration_id.as_deref().map(place),
            status: entry.status,
            batch: entry.batch,
            attempts: entry.attempts,
            version: entry.checksum.as_deref().map(version),
            has_error: entry.error.is_some(),
        };
        Self {
            world: World {
                records: records.iter().map(|record| (place(&record.id), stored(record))).collect(),
                history: history.iter().map(entry).collect(),
                ledger: ledger(db).await,
                shelf: shelf(db).await,
            },
            newest: records.iter().map(|record| record.token).max().unwrap_or(0),
            history,
            lock: Lock::now(db).await,
        }
    }
}

impl Lock {
    async fn now(db: &Database) -> Self {
        let documents = db.collection::<Document>("migrations_lock");
        let token = |document: &Option<Document>| document.as_ref().map_or(0, |found| found.get_i64("token").unwrap());
        let lease = documents.find_one(doc! { "_id": "lease" }).await.unwrap();
        let fence = documents.find_one(doc! { "_id": "fence" }).await.unwrap();
        Self {
            exists: lease.is_some() || fence.is_some(),
            held: lease.as_ref().is_some_and(|lease| lease.get_document("holder").is_ok()),
            token: token(&lease),
            fence: token(&fence),
        }
    }
}

async fn ledger(db: &Database) -> BTreeMap<(usize, bool), u32> {
    let mut ledger = BTreeMap::new();
    for prefix in ["", PLUGIN_PREFIX] {
        let effects = db.collection::<Document>(&format!("{prefix}{LEDGER}")).find(doc! {}).await.unwrap();
        let effects: Vec<_> = effects.try_collect().await.unwrap();
        for effect in effects {
            let place = effect.get_i64("place").unwrap().try_into().unwrap();
            *ledger.entry((place, effect.get_bool("up").unwrap())).or_default() += 1;
        }
    }
    ledger
}

async fn shelf(db: &Database) -> BTreeSet<usize> {
    let mut shelf = BTreeSet::new();
    for prefix in ["", PLUGIN_PREFIX] {
        let names = db.collection::<Document>(&format!("{prefix}{SHELF}")).list_index_names().await.unwrap();
        shelf.extend(names.iter().filter_map(|name| name.strip_prefix("of_")?.parse::<usize>().ok()));
    }
    shelf
}
