//! Replays the log of an earlier execution: operations that are done are skipped, the one in doubt is settled, and new ones are
//! appended.

use std::collections::BTreeSet;

use mongodb::bson::{Bson, Document, RawDocumentBuf};

use super::effect::Effect;
use super::failure::Failure;
use super::log::{Answered, Done, Entry, Log};
use super::query::Query;
use crate::store::LogUpdate;

/// Limits of a log, which is part of a record. The server limits a document to 16 MB.
const MOST_EFFECTS: usize = 1_000;
const MOST_BYTES: usize = 2 << 20;

/// The log of the current execution, and the position of the body in it.
#[derive(Debug)]
pub(crate) struct Replay {
    log: Log,
    /// Number of entries in the record.
    stored: usize,
    /// Indexes of stored entries that have changed since.
    changed: BTreeSet<usize>,
    /// Index of the next call.
    place: usize,
    /// The queries since the last effect.
    reads: Vec<Answered>,
    /// Number of logged queries before the next effect that the body has passed.
    passed: usize,
    /// Checksum of the current code.
    checksum: String,
    /// All calls so far, including those that were skipped.
    effects: Vec<Effect>,
    bytes: usize,
}

/// The state of a call, according to the log.
#[derive(Debug)]
pub(super) enum Next {
    /// It is done.
    Done,
    /// It may have taken effect. The entry, and whether it is of the same call.
    InDoubt(Box<Entry>, bool),
    /// It is not in the log.
    New,
}

impl Replay {
    /// Starts at the beginning of the log of an earlier execution.
    pub(crate) fn new(log: Log, checksum: &str) -> Self {
        let (stored, bytes) = (log.entries.len(), log.entries.iter().map(size).sum());
        Self {
            log,
            stored,
            changed: BTreeSet::new(),
            place: 0,
            reads: Vec::new(),
            passed: 0,
            checksum: checksum.to_owned(),
            effects: Vec::new(),
            bytes,
        }
    }

    /// Returns all calls in order, including those that were skipped.
    pub(crate) fn effects(&self) -> &[Effect] {
        &self.effects
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Returns the position of the next call, starting at 1.
    pub(super) fn position(&self) -> usize {
        self.place + 1
    }

    pub(super) fn next(&mut self, effect: &Effect) -> Result<Next, Failure> {
        self.effects.push(effect.clone());
        let Some(entry) = self.log.entries.get_mut(self.place) else { return Ok(Next::New) };
        let same = entry.print == effect.print();
        match entry.result {
            None => {
                if same && entry.reads != self.reads {
                    // The body may ask more before an effect in doubt than it did.
                    entry.reads.clone_from(&self.reads);
                    self.changed.insert(self.place);
                }
                Ok(Next::InDoubt(Box::new(entry.clone()), same))
            }
            Some(_) if same => {
                self.advance();
                Ok(Next::Done)
            }
            Some(_) => Err(self.has_changed(Some(effect.described()))),
        }
    }

    /// Returns the logged answer to a query, or `None` if the database has to be asked. A body that has asked something else before
    /// an effect that is done has changed.
    pub(super) fn answer(&mut self, query: &Query) -> Result<Option<Bson>, Failure> {
        let Some(entry) = self.log.entries.get(self.place) else { return Ok(None) };
        let print = query.print();
        let mut left = entry.reads.iter().enumerate().skip(self.passed);
        let Some((index, read)) = left.find(|(_, read)| read.print == print) else {
            return if entry.result.is_none() { Ok(None) } else { Err(self.has_changed(Some(query.described()))) };
        };
        self.passed = index + 1;
        self.reads.push(read.clone());
        Ok(Some(read.answer.clone()))
    }

    /// Adds a query that the database has answered. It is stored with the next effect.
    pub(super) fn record(&mut self, query: &Query, answer: Bson) {
        self.reads.push(Answered { kind: query.kind().to_owned(), print: query.print(), answer });
    }

    /// Moves on to the next effect.
    fn advance(&mut self) {
        self.place += 1;
        self.passed = 0;
        self.reads.clear();
    }

    /// Returns the first logged effect that the body has not repeated. It is in doubt if it is the last.
    pub(super) fn missing(&self) -> Option<&Entry> {
        self.log.entries.get(self.place)
    }

    pub(super) fn has_changed(&self, now: Option<String>) -> Failure {
        let recorded = self.log.entries.get(self.place).map(|entry| entry.effect.described()).unwrap_or_default();
        Failure::Changed { position: self.position(), recorded, now, same_code: self.log.checksum == self.checksum }
    }

    /// Removes the effect in doubt, which did not take effect, because the body has another one in its place.
    pub(super) fn forget(&mut self) {
        if let Some(entry) = self.log.entries.pop() {
            self.bytes -= size(&entry);
        }
    }

    /// Appends an effect: its intent, or, with a result, an effect that had nothing to do.
    pub(super) fn add(&mut self, effect: &Effect, before: Document, result: Option<Done>) -> Result<(), Failure> {
        let mut entry = Entry::new(effect.clone(), before, result);
        entry.reads.clone_from(&self.reads);
        self.bytes += size(&entry);
        if self.place >= MOST_EFFECTS || self.bytes > MOST_BYTES {
            return Err(Failure::Refused(format!(
                "not started, because one migration has at most {MOST_EFFECTS} operations of `Schema`, and 2 MB of them and of answers to \
                 its queries; split it"
            )));
        }
        if self.place < self.stored {
            self.changed.insert(self.place);
        }
        self.log.entries.push(entry);
        if result.is_some() {
            self.advance();
        }
        Ok(())
    }

    /// Sets the result of the effect in doubt.
    pub(super) fn settle(&mut self, result: Done) {
        if let Some(entry) = self.log.entries.get_mut(self.place) {
            entry.result = Some(result);
            if self.place < self.stored {
                self.changed.insert(self.place);
            }
            self.advance();
        }
    }

    /// Marks the effect in doubt to be stored again, unchanged.
    pub(super) fn touch(&mut self) {
        self.changed.insert(self.place);
    }

    /// Returns the changes that are not stored yet.
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

    /// Marks the changes that [`update`](Self::update) returned as stored.
    pub(super) fn stored(&mut self) {
        self.stored = self.stored.max(self.log.entries.len());
        self.changed.clear();
        self.log.checksum.clone_from(&self.checksum);
    }
}

fn size(entry: &Entry) -> usize {
    RawDocumentBuf::try_from(&entry.to_document()).map_or(0, |encoded| encoded.as_bytes().len())
}

#[cfg(test)]
mod tests;
