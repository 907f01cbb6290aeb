//! Where a body stands in its log: what an earlier execution did is skipped, what it left in doubt is settled, and what
//! follows is added.

use std::collections::BTreeSet;

use mongodb::bson::{Bson, Document, RawDocumentBuf};

use super::effect::Effect;
use super::log::{Done, Entry, Log};
use super::stuck::Stuck;
use crate::store::LogUpdate;

/// Limits of a log: it is part of a record, which the server limits to 16 MB.
const MOST_EFFECTS: usize = 1_000;
const MOST_BYTES: usize = 2 << 20;

/// The log of the execution under way.
#[derive(Debug)]
pub(crate) struct Course {
    log: Log,
    /// How many entries the record has.
    stored: usize,
    /// Those of them that have changed since.
    changed: BTreeSet<usize>,
    /// The place of the next call.
    place: usize,
    /// The checksum of the code as it is.
    checksum: String,
    /// All calls that were made.
    effects: Vec<Effect>,
    bytes: usize,
}

/// What the log says about a call.
#[derive(Debug)]
pub(super) enum Next {
    /// It was done.
    Done,
    /// It may have been done: with this entry, and whether the entry is of the same call.
    InDoubt(Box<Entry>, bool),
    /// Nothing.
    New,
}

impl Course {
    /// Goes on where `log` ends, which an earlier execution left in the record.
    pub(crate) fn new(log: Log, checksum: &str) -> Self {
        let (stored, bytes) = (log.entries.len(), log.entries.iter().map(size).sum());
        Self {
            log,
            stored,
            changed: BTreeSet::new(),
            place: 0,
            checksum: checksum.to_owned(),
            effects: Vec::new(),
            bytes,
        }
    }

    /// All calls that were made, in order, including those that were skipped.
    pub(crate) fn effects(&self) -> &[Effect] {
        &self.effects
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Counted from 1.
    pub(super) fn position(&self) -> usize {
        self.place + 1
    }

    pub(super) fn next(&mut self, effect: &Effect) -> Result<Next, Stuck> {
        self.effects.push(effect.clone());
        let Some(entry) = self.log.entries.get(self.place) else { return Ok(Next::New) };
        let same = entry.print == effect.print();
        match entry.result {
            None => Ok(Next::InDoubt(Box::new(entry.clone()), same)),
            Some(_) if same => {
                self.place += 1;
                Ok(Next::Done)
            }
            Some(_) => Err(self.has_changed(Some(effect))),
        }
    }

    /// An effect of the log that the body did not come to; in doubt, if it is the last.
    pub(super) fn missing(&self) -> Option<&Entry> {
        self.log.entries.get(self.place)
    }

    pub(super) fn has_changed(&self, now: Option<&Effect>) -> Stuck {
        let recorded = self.log.entries.get(self.place).map(|entry| entry.effect.described()).unwrap_or_default();
        Stuck::Changed {
            position: self.position(),
            recorded,
            now: now.map(Effect::described),
            same_code: self.log.checksum == self.checksum,
        }
    }

    /// The effect in doubt is not in effect, and the body has another one in its place.
    pub(super) fn forget(&mut self) {
        if let Some(entry) = self.log.entries.pop() {
            self.bytes -= size(&entry);
        }
    }

    /// Adds an effect: its intent, or with a result one that had nothing to do.
    pub(super) fn add(&mut self, effect: &Effect, before: Document, result: Option<Done>) -> Result<(), Stuck> {
        let entry = Entry::new(effect.clone(), before, result);
        self.bytes += size(&entry);
        if self.place >= MOST_EFFECTS || self.bytes > MOST_BYTES {
            return Err(Stuck::Refused(format!(
                "not started, because one migration has at most {MOST_EFFECTS} operations of `Schema`, and 2 MB of them; split it"
            )));
        }
        if self.place < self.stored {
            self.changed.insert(self.place);
        }
        self.log.entries.push(entry);
        if result.is_some() {
            self.place += 1;
        }
        Ok(())
    }

    /// The effect in doubt has had this result.
    pub(super) fn settle(&mut self, result: Done) {
        if let Some(entry) = self.log.entries.get_mut(self.place) {
            entry.result = Some(result);
            if self.place < self.stored {
                self.changed.insert(self.place);
            }
            self.place += 1;
        }
    }

    /// Stores the effect in doubt once more, as it is.
    pub(super) fn touch(&mut self) {
        self.changed.insert(self.place);
    }

    /// What the record lacks.
    pub(crate) fn update(&self) -> Option<LogUpdate> {
        let entries = &self.log.entries;
        let last = (entries.len().checked_sub(1)?, entries.last()?.print.clone());
        let mut set = Document::new();
        if self.stored == 0 {
            let log = Log { checksum: self.checksum.clone(), ..self.log.clone() };
            set.insert("log", log.to_document());
            return Some(LogUpdate { size: None, set, last });
        }
        for place in self.changed.iter().copied().chain(self.stored..entries.len()) {
            if let Some(entry) = entries.get(place) {
                set.insert(format!("log.ops.{place}"), entry.to_document());
            }
        }
        if set.is_empty() {
            return None;
        }
        if self.log.checksum != self.checksum {
            set.insert("log.checksum", Bson::String(self.checksum.clone()));
        }
        Some(LogUpdate { size: Some(self.stored), set, last })
    }

    /// The record has what [`update`](Self::update) gave.
    pub(super) fn stored(&mut self) {
        self.stored = self.stored.max(self.log.entries.len());
        self.changed.clear();
        self.log.checksum.clone_from(&self.checksum);
    }
}

fn size(entry: &Entry) -> usize {
    RawDocumentBuf::try_from(&entry.to_document()).map_or(0, |encoded| encoded.as_bytes().len())
}
