//! Compares the contents of the database after a phase with the expected contents.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use mongrate::Migrator;

use super::migrations::{ACCOUNTS, ALL, BALANCE, EFFECTS, Effect, ITEMS, STOCK};
use super::plan::Phase;
use super::site::Site;
use super::tally::Tally;
use crate::{eventually, eventually_within, stored};

/// The expected number of times that each migration was applied and reverted.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    ups: [u64; ALL.len()],
    downs: [u64; ALL.len()],
}

/// The findings of a check, and the tally that counts them.
struct Check<'s> {
    site: &'s Site,
    expected: &'s Expected,
    tally: &'s mut Tally,
    findings: Vec<String>,
}

impl Expected {
    /// Adds the expectations of a successful phase.
    pub(super) fn after(&mut self, phase: &Phase) {
        for place in 0..ALL.len() {
            if phase.down {
                self.downs[place] += u64::from(place >= phase.applied);
            } else {
                self.ups[place] += u64::from(!self.is_applied(place));
            }
        }
    }

    fn is_applied(&self, place: usize) -> bool {
        self.ups[place] > self.downs[place]
    }

    /// Returns how often a migration was applied and reverted.
    fn of(&self, id: &str) -> (u64, u64) {
        let place = ALL.iter().position(|other| *other == id).unwrap_or_default();
        (self.ups[place], self.downs[place])
    }

    fn has(&self, id: &str) -> bool {
        let (ups, downs) = self.of(id);
        ups > downs
    }
}

/// Counts everything, and reports deviations as findings.
pub(super) async fn check(site: &Site, expected: &Expected, lease: Duration, tally: &mut Tally) -> Vec<String> {
    let mut check = Check { site, expected, tally, findings: Vec::new() };
    for effect in EFFECTS {
        check.effect(effect).await;
    }
    check.items().await;
    check.balances().await;
    check.schema().await;
    check.records().await;
    check.lock(lease).await;
    check.findings
}

impl Check<'_> {
    /// Checks effects that must exist exactly this number of times (I1).
    fn effects(&mut self, what: &str, expected: u64, found: u64) {
        if !self.tally.compare(expected, found) {
            self.findings.push(format!("{what}: {found} instead of {expected}"));
        }
    }

    fn assert(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.findings.push(what());
        }
    }

    async fn effect(&mut self, Effect { id, inserts, transfers, .. }: Effect) {
        let (ups, downs) = self.expected.of(id);
        let counter = find(&self.site.durable("counters"), doc! { "_id": id }).await.into_iter().next();
        let times = |act| {
            let count = counter.as_ref().and_then(|counter| counter.get_i32(act).ok());
            count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default()
        };
        self.effects(&format!("effects of {id}"), ups, times("up"));
        self.effects(&format!("effects of its down, {id}"), downs, times("down"));
        let inserted = count(&self.site.durable("inserts"), doc! { "of": id }).await;
        self.effects(&format!("inserts of {id}"), u64::from(inserts.unsigned_abs()) * (ups - downs), inserted);
        for (act, times) in [("up", ups), ("down", downs)] {
            let entries = count(&self.site.durable("ledger"), doc! { "of": id, "act": act }).await;
            self.effects(&format!("transfers of {id}, {act}"), transfers.len() as u64 * times, entries);
        }
    }

    /// Checks that each item was changed once by each run of the backfill.
    async fn items(&mut self) {
        let (ups, downs) = self.expected.of("module:chaos:013_items");
        let items = self.site.durable("items");
        for (act, times) in [("up", ups), ("down", downs)] {
            let times = i64::try_from(times).unwrap_or_default();
            let lost = count(&items, doc! { act: { "$lt": times } }).await;
            let duplicated = count(&items, doc! { act: { "$gt": times } }).await;
            let all = ITEMS.unsigned_abs();
            self.effects(&format!("items without an {act} of 013_items"), all, all - lost);
            self.effects(&format!("items with too many {act}s of 013_items"), all, all + duplicated);
        }
    }

    async fn balances(&mut self) {
        let mut expected = vec![BALANCE; usize::try_from(ACCOUNTS).unwrap_or_default()];
        for effect in EFFECTS.iter().filter(|effect| self.expected.has(effect.id)) {
            for (from, to, amount) in effect.transfers {
                expected[usize::try_from(*from).unwrap_or_default()] -= amount;
                expected[usize::try_from(*to).unwrap_or_default()] += amount;
            }
        }
        let accounts = find(&self.site.durable("accounts"), doc! {}).await;
        let found: Vec<_> = accounts.iter().map(|account| account.get_i64("balance").unwrap_or_default()).collect();
        self.assert(found == expected, || format!("balances {found:?} instead of {expected:?}"));
    }

    /// Checks migrations outside transactions. They run at least once, so only whether the effect exists.
    async fn schema(&mut self) {
        let labelled = count(&self.site.durable("accounts"), doc! { "label": "checked" }).await;
        let stock = count(&self.site.durable("shelf"), doc! {}).await;
        for (id, index, on) in [
            ("module:chaos:002_index", "of_1", "inserts"),
            ("module:chaos:002_index", "of_1_act_1", "ledger"),
            ("module:chaos:007_shelf", "place_1", "shelf"),
        ] {
            let collection = self.site.durable(on);
            // A missing collection has none.
            let indexes = collection.list_index_names().await.unwrap_or_default();
            let there = indexes.iter().any(|name| name == index);
            let applied = self.expected.has(id);
            self.assert(there == applied, || format!("{id} is applied: {applied}; its index is there: {there}"));
        }
        for (id, expected, found) in
            [("module:chaos:005_label", ACCOUNTS, labelled), ("module:chaos:010_stock", STOCK, stock)]
        {
            let expected = if self.expected.has(id) { u64::from(expected.unsigned_abs()) } else { 0 };
            self.assert(found == expected, || format!("effects of {id}: {found} instead of {expected}"));
        }
    }

    /// Checks that every migration has the expected state, with one history entry for each time that it reached the
    /// state.
    async fn records(&mut self) {
        let records = find(&self.site.durable("migrations"), doc! {}).await;
        let fence = find(&self.site.durable("migrations_lock"), doc! { "_id": "fence" }).await;
        let fence = fence.first().and_then(|fence| fence.get_i64("token").ok()).unwrap_or_default();
        for id in ALL {
            let (ups, downs) = self.expected.of(id);
            let status = if ups > downs { "completed" } else { "rolled-back" };
            let record = records.iter().find(|record| record.get_str("_id").is_ok_and(|other| other == id));
            let is = record.and_then(|record| record.get_str("status").ok()).unwrap_or("missing");
            self.assert(is == status, || format!("the record of {id} is {is} instead of {status}"));
            let token = record.and_then(|record| record.get_i64("token").ok()).unwrap_or(i64::MAX);
            self.assert(token <= fence, || format!("the token of {id} is {token}, that of the fence {fence} (I2)"));
            for (act, status, times) in [("up", "completed", ups), ("down", "rolled-back", downs)] {
                let entry = doc! { "migrationId": id, "act": act, "status": status };
                let entries = count(&self.site.durable("migrations_history"), entry).await;
                self.assert(entries == times, || format!("{entries} entries of an {act} of {id} instead of {times}"));
            }
        }
        self.assert(records.len() == ALL.len(), || format!("{} records", records.len()));
    }

    /// Checks that the lease is free or will expire (I6).
    async fn lock(&mut self, lease: Duration) {
        let migrator = Migrator::new(self.site.database.clone());
        let mut status = None;
        let free = eventually_within(lease * 3, "the lease to be free or over", async || {
            status = migrator.lock_status().await.ok();
            let holder = status.as_ref()?.holder.as_ref();
            holder.is_none_or(|holder| holder.expired).then_some(())
        });
        free.await;
    }
}

/// Checks that nothing blocks the application.
pub(super) async fn can_be_written(site: &Site) {
    for collection in ["accounts", "counters", "inserts", "items", "ledger", "shelf"] {
        stored::can_be_written(&site.database, collection).await;
    }
}

/// Dumps the stored state for the analysis of a failure.
pub(super) async fn dump(site: &Site) -> String {
    let mut lines = Vec::new();
    for collection in ["migrations", "migrations_history", "migrations_lock", "accounts", "counters"] {
        lines.push(format!("{collection}:"));
        let documents = find(&site.durable(collection), doc! {}).await;
        lines.extend(documents.iter().map(|document| format!("  {document}")));
    }
    lines.join("\n")
}

async fn count(collection: &Collection<Document>, filter: Document) -> u64 {
    eventually("a count", async || collection.count_documents(filter.clone()).await.ok()).await
}

async fn find(collection: &Collection<Document>, filter: Document) -> Vec<Document> {
    eventually("documents", async || {
        let found = collection.find(filter.clone()).sort(doc! { "_id": 1 }).await.ok()?;
        found.try_collect().await.ok()
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::chaos::arguments::Topology;
    use crate::chaos::migrations;
    use crate::servers;

    const LEASE: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn lost_and_duplicate_effects_are_found() {
        let server = Arc::new(servers::builder().start().await.unwrap());
        let site = Site::open(server, Topology::Single, "found").await.unwrap();
        site.seed().await.unwrap();
        let migrator = Migrator::builder(site.database.clone()).registry(migrations::registry()).build().unwrap();
        migrator.up().await.unwrap();
        let (mut tally, mut expected) = (Tally::default(), Expected::default());
        expected.after(&Phase { applied: ALL.len(), down: false, faults: Vec::new() });
        let findings = check(&site, &expected, LEASE, &mut tally).await;
        assert!(findings.is_empty(), "{findings:?}");
        assert!(tally.effects > 0 && tally.lost == 0 && tally.duplicated == 0, "{tally}");

        site.durable("inserts").delete_one(doc! { "of": "module:chaos:003_insert" }).await.unwrap();
        let again = doc! { "_id": "module:chaos:001_count" };
        site.durable("counters").update_one(again, doc! { "$inc": { "up": 1 } }).await.unwrap();
        site.durable("accounts").update_one(doc! { "_id": 0 }, doc! { "$inc": { "balance": 1_i64 } }).await.unwrap();
        let findings = check(&site, &expected, LEASE, &mut tally).await;
        assert_eq!((tally.lost, tally.duplicated, findings.len()), (1, 1, 3), "{findings:?}");

        migrator.down().to(ALL[5]).await.unwrap();
        let findings = check(&site, &expected, LEASE, &mut Tally::default()).await;
        assert!(findings.iter().any(|finding| finding.contains("rolled-back")), "{findings:?}");
        expected.after(&Phase { applied: 6, down: true, faults: Vec::new() });
        let findings = check(&site, &expected, LEASE, &mut Tally::default()).await;
        assert_eq!(findings.len(), 3, "{findings:?}");
    }
}
