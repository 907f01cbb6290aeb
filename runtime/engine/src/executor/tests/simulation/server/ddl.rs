//! Commands that change collections or indexes. They take time, outlive their clients, and can be ended.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use tokio::time::Instant;

use super::collections::{self, Collection, WRITTEN, contents, execute, index, indexes, is_of, listed, name, target};
use super::{Sabotage, Server, State};
use crate::store::{Attachment, Change, LogUpdate};

/// The time that a killed index build takes to end. All other commands end at once.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Greater than the UUIDs of the initial collections.
const NEW: u64 = 1_000;

const NAMESPACE_NOT_FOUND: i32 = 26;
const INTERRUPTED: i32 = 11601;

/// A command and its sender.
#[derive(Debug)]
pub(crate) struct Ddl {
    pub(crate) command: Document,
    pub(crate) session: i64,
    /// The token of the sender's lease.
    pub(crate) token: i64,
    /// The id of the sender's migration.
    pub(crate) id: String,
    /// Its duration at the server.
    pub(crate) takes: Duration,
    /// Its number among the running commands, once it has arrived.
    pub(crate) number: Option<u64>,
}

/// A command that is running at the server.
#[derive(Debug)]
pub(crate) struct Running {
    session: i64,
    command: Document,
    since: Instant,
    until: Instant,
    killed: bool,
}

impl Server {
    /// The result of a command; while it is running, the remaining time.
    pub(crate) fn ddl(&mut self, ddl: &mut Ddl) -> Result<Result<(), i32>, Duration> {
        let now = Instant::now();
        let Some(number) = ddl.number else {
            self.arrived += 1;
            ddl.number = Some(self.arrived);
            let (session, command) = (ddl.session, ddl.command.clone());
            let takes = self.takes(ddl);
            self.running
                .insert(self.arrived, Running { session, since: now, until: now + takes, command, killed: false });
            return Err(takes);
        };
        // A failover has ended it.
        let Some(running) = self.running.get(&number) else { return Ok(Err(INTERRUPTED)) };
        if running.until > now {
            return Err(running.until - now);
        }
        let killed = running.killed;
        self.running.remove(&number);
        if killed {
            return Ok(Err(INTERRUPTED));
        }
        Ok(self.take_effect(ddl))
    }

    /// An existing index needs no build, and a running build is joined.
    fn takes(&self, ddl: &Ddl) -> Duration {
        let Some(spec) = index(&ddl.command) else { return ddl.takes };
        let there = self.newest().collections.get(target(&ddl.command));
        if there.is_some_and(|there| there.indexes.contains_key(&name(spec))) {
            return Duration::ZERO;
        }
        let same = self.running.values().filter(|running| running.command == ddl.command && !running.killed);
        let left = same.map(|running| running.until.saturating_duration_since(Instant::now()));
        left.min().unwrap_or(ddl.takes)
    }

    fn take_effect(&mut self, ddl: &Ddl) -> Result<(), i32> {
        let mut command = ddl.command.clone();
        if self.sabotage == Sabotage::NoCollectionUuid {
            command.remove("collectionUUID");
        }
        let before = self.newest().collections.clone();
        let mut after = (*before).clone();
        execute(&mut after, &command, self.writes + NEW)?;
        if after == *before {
            return Ok(());
        }
        self.tally.ddl += 1;
        // The doubtful effect of the holder is recorded. Any other one comes too late.
        if !self.newest().in_doubt(&ddl.id).is_some_and(|entry| is_of(&command, entry)) {
            self.tally.late += 1;
            self.stale |= indexes(&before) != indexes(&after);
            // `create` makes an empty collection, so nothing is lost.
            if contents(&before) != contents(&after) && !command.contains_key("create") {
                self.violate(&format!("a late command of token {} has changed the contents: {command}", ddl.token));
            }
        }
        self.push(|state| state.collections = Arc::new(after));
        Ok(())
    }

    /// A write of the application, which creates a missing collection.
    pub(crate) fn application_writes(&mut self, on: &'static str) {
        if self.newest().collections.contains_key(on) {
            return;
        }
        let uuid = self.writes + NEW;
        self.push(|state| {
            Arc::make_mut(&mut state.collections).insert(on.to_owned(), Collection::new(uuid, WRITTEN));
        });
        self.replicate(self.place());
        self.written = true;
    }

    /// Checks that no completed effect is sent again.
    pub(crate) fn look_at_sending(&mut self, ddl: &Ddl) {
        let state = self.majority();
        let of = |entry: &&Document| is_of(&ddl.command, entry);
        let done = state.entries(&ddl.id).find(of).is_some_and(|entry| entry.contains_key("result"));
        if state.fence == Some(ddl.token) && !self.undone && (done || state.is_completed(&ddl.id)) {
            self.violate(&format!("an effect that is done is sent again: {}", ddl.command));
        }
    }

    /// `listCollections` or `listIndexes`.
    pub(crate) fn list(&self, command: &Document) -> Result<Document, i32> {
        let collections = &self.newest().collections;
        let batch = match command.get_str("listIndexes") {
            Err(_) => listed(collections),
            Ok(on) => {
                let collection = collections.get(on).ok_or(NAMESPACE_NOT_FOUND)?;
                let building = self.running.values().filter(|running| target(&running.command) == on);
                let building = building.filter_map(|running| index(&running.command));
                let building = building.filter(|spec| !collection.indexes.contains_key(&name(spec)));
                let building = building.map(|spec| doc! { "spec": spec.clone(), "buildUUID": 1 });
                collection.indexes.values().cloned().chain(building).collect()
            }
        };
        let batch: Vec<_> = batch.into_iter().map(Bson::Document).collect();
        Ok(doc! { "cursor": { "firstBatch": batch } })
    }

    /// As listed by `$currentOp`.
    pub(crate) fn under_way(&self, session: &Document) -> Vec<Document> {
        let session = session.get_i64("id").ok();
        let running = self.running.values().filter(|running| Some(running.session) == session);
        running.map(|running| doc! { "command": running.command.clone() }).collect()
    }

    /// Ends the running command of a session.
    pub(super) fn end(&mut self, session: i64, killer: Option<i64>) {
        let now = Instant::now();
        let took = killer.and_then(|killer| self.took.get(&killer).copied());
        let mut joinable = false;
        for running in self.running.values_mut().filter(|running| running.session == session && !running.killed) {
            let builds = index(&running.command).is_some();
            running.killed = true;
            running.until = if builds { now + LAST_WORDS } else { now };
            joinable |= builds && took.is_some_and(|took| took > running.since);
        }
        let in_doubt = self.log[self.majority]
            .in_doubt_anywhere()
            .any(|entry| entry.get_str("op").is_ok_and(|op| op == "create_index"));
        if joinable && in_doubt {
            self.violate("a take-over has ended an index build that it could join");
        }
    }

    /// Checks that the successor has waited for the commands that it ended.
    pub(crate) fn look_at_former_holders(&mut self, abandoned: &[Document], by: i64) {
        let took = self.took.get(&by).copied();
        let ids: Vec<_> = abandoned.iter().filter_map(|session| session.get_i64("id").ok()).collect();
        let left = |running: &Running| ids.contains(&running.session) && took.is_some_and(|took| took > running.since);
        let left = self.running.values().find(|running| left(running)).map(|running| running.command.clone());
        if let Some(command) = left {
            self.violate(&format!("a command of a former holder is still under way after a take-over: {command}"));
        }
    }

    /// Ends commands at a failover, including index builds; their continuation on other members is not modeled.
    pub(super) fn end_all(&mut self) {
        self.running.clear();
    }
}

impl State {
    /// The log of a migration.
    pub(super) fn entries(&self, id: &str) -> impl Iterator<Item = &Document> {
        let entries = self.logs.get(id).and_then(|log| log.get_array("ops").ok());
        entries.into_iter().flatten().filter_map(Bson::as_document)
    }

    /// The effect of a migration that is in doubt.
    fn in_doubt(&self, id: &str) -> Option<&Document> {
        self.entries(id).last().filter(|entry| !entry.contains_key("result"))
    }

    fn in_doubt_anywhere(&self) -> impl Iterator<Item = &Document> {
        self.logs.keys().filter_map(|id| self.in_doubt(id))
    }

    /// Changes the fields beside a record. False if the log is not the one that is continued.
    pub(super) fn put_beside(&mut self, id: &str, attachment: &Attachment) -> bool {
        match attachment {
            Attachment::Backfill(_) => unreachable!("the simulated bodies are no backfills"),
            Attachment::Kept => true,
            Attachment::Logged(update) => self.continue_log(id, update),
            Attachment::Completed { footprint } => {
                self.logs.remove(id);
                let former =
                    footprint.clone().map(|footprint| self.footprints.insert(id.to_owned(), Arc::new(footprint)));
                drop(former);
                true
            }
            Attachment::Archived | Attachment::Accepted { .. } => {
                unreachable!("nobody marks anything in the model")
            }
        }
    }

    pub(super) fn continue_log(&mut self, id: &str, update: &LogUpdate) -> bool {
        let mut log = self.logs.get(id).map(|log| (**log).clone()).unwrap_or_default();
        let entries = log.get_array("ops").map_or(0, Vec::len);
        if update.size.is_some_and(|size| size != entries) {
            return false;
        }
        for (field, value) in &update.set {
            let place = field.strip_prefix("log.ops.").and_then(|place| place.parse::<usize>().ok());
            match (field.as_str(), place, log.get_array_mut("ops")) {
                ("log", ..) => log = value.as_document().cloned().expect("a log"),
                (_, Some(place), Ok(entries)) if place < entries.len() => entries[place] = value.clone(),
                (_, Some(_), Ok(entries)) => entries.push(value.clone()),
                (field, ..) => {
                    log.insert(field.trim_start_matches("log."), value.clone());
                }
            }
        }
        self.logs.insert(id.to_owned(), Arc::new(log));
        true
    }

    /// Whether a change is stored.
    pub(crate) fn holds(&self, change: &Change) -> bool {
        let Some(found) = self.records.get(change.id()) else { return false };
        match change {
            Change::Stored { record, .. } => **found == **record,
            Change::Logged { id, token, update } => {
                found.token == *token && self.logs.get(id).is_some_and(|log| update.is_in(log))
            }
            Change::Removed { .. } | Change::Noted { .. } => unreachable!("the model removes nothing"),
        }
    }

    /// As read by the comparison.
    pub(crate) fn look(&self) -> crate::context::Snapshot {
        let indexes = self.collections.iter();
        let indexes = indexes.map(|(name, there)| (name.clone(), there.indexes.values().cloned().collect()));
        crate::context::Snapshot::of(&collections::listed(&self.collections), indexes)
    }
}
