//! The log of a body, from which it resumes.
//!
//! An effect is *done* when its result is stored, and *in doubt* when only its intent is. At most one effect is in doubt, and it
//! is the last.

use mongodb::bson::{Bson, Document, doc};

use super::effect::Effect;
use crate::error::Error;
use crate::migration::Direction;

/// The effects of a body, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Log {
    pub(crate) direction: Direction,
    /// Checksum of the code that wrote the last entry.
    pub(crate) checksum: String,
    pub(crate) entries: Vec<Entry>,
}

/// One effect in the log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) effect: Effect,
    /// Fingerprint of the effect, computed by the program that wrote the entry.
    pub(crate) print: String,
    /// The state of the affected names before the effect.
    pub(crate) before: Document,
    /// `None` while it is in doubt.
    pub(crate) result: Option<Done>,
    /// The queries since the previous effect.
    pub(crate) reads: Vec<Answered>,
}

/// A query in the log, with its answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    /// The name of the method.
    pub(crate) kind: String,
    /// Fingerprint of the query.
    pub(crate) print: String,
    pub(crate) answer: Bson,
}

/// The result of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Now,
    Already,
}

impl Log {
    pub(crate) fn new(direction: Direction, checksum: &str) -> Self {
        Self { direction, checksum: checksum.to_owned(), entries: Vec::new() }
    }

    /// Returns the number of effects that are done.
    pub(crate) fn done(&self) -> usize {
        self.entries.iter().filter(|entry| entry.result.is_some()).count()
    }

    /// Returns the effect in doubt.
    pub(crate) fn in_doubt(&self) -> Option<&Entry> {
        self.entries.last().filter(|entry| entry.result.is_none())
    }

    /// Returns whether an index build may be running.
    pub(crate) fn builds_an_index(&self) -> bool {
        self.in_doubt().is_some_and(|entry| matches!(entry.effect, Effect::CreateIndexes { .. }))
    }

    /// Parses the field `log` of the record of a migration.
    pub(crate) fn read(id: &str, stored: &Document) -> Result<Self, Error> {
        let reason = "its log is not one that this version writes".to_owned();
        Self::parse(stored).ok_or_else(|| Error::UnreadableRecord { id: id.to_owned(), reason })
    }

    /// Parses the field `log` of a record. `None` if another version of Mongrate wrote it.
    pub(crate) fn parse(stored: &Document) -> Option<Self> {
        let direction = match stored.get_str("direction").ok()? {
            "up" => Direction::Up,
            "down" => Direction::Down,
            _ => return None,
        };
        if stored.get("phase").and_then(Bson::as_i32) != Some(0) {
            return None;
        }
        let entries = stored.get_array("ops").ok()?.iter().map(|entry| Entry::parse(entry.as_document()?));
        let checksum = stored.get_str("checksum").ok()?.to_owned();
        Some(Self { direction, checksum, entries: entries.collect::<Option<_>>()? })
    }

    pub(crate) fn to_document(&self) -> Document {
        let direction = match self.direction {
            Direction::Up => "up",
            Direction::Down => "down",
        };
        let entries: Vec<_> = self.entries.iter().map(|entry| Bson::Document(entry.to_document())).collect();
        doc! { "direction": direction, "phase": 0, "checksum": &self.checksum, "ops": entries }
    }
}

impl Entry {
    pub(crate) fn new(effect: Effect, before: Document, result: Option<Done>) -> Self {
        Self { print: effect.print(), effect, before, result, reads: Vec::new() }
    }

    fn parse(stored: &Document) -> Option<Self> {
        let result = match stored.get("result") {
            None => None,
            Some(Bson::String(result)) if result == "now" => Some(Done::Now),
            Some(Bson::String(result)) if result == "already" => Some(Done::Already),
            Some(_) => return None,
        };
        let before = stored.get_document("before").cloned().unwrap_or_default();
        let print = stored.get_str("print").ok()?.to_owned();
        let reads = stored.get_array("reads").into_iter().flatten().map(|read| Answered::parse(read.as_document()?));
        let reads = reads.collect::<Option<_>>()?;
        Some(Self { effect: Effect::parse(stored)?, print, before, result, reads })
    }

    pub(crate) fn to_document(&self) -> Document {
        let mut entry = self.effect.to_document();
        entry.insert("print", &self.print);
        if !self.before.is_empty() {
            entry.insert("before", self.before.clone());
        }
        if let Some(result) = self.result {
            entry.insert("result", result.as_str());
        }
        if !self.reads.is_empty() {
            let reads: Vec<_> = self.reads.iter().map(Answered::to_document).collect();
            entry.insert("reads", reads);
        }
        entry
    }
}

impl Answered {
    fn parse(stored: &Document) -> Option<Self> {
        let text = |field| stored.get_str(field).map(str::to_owned).ok();
        Some(Self { kind: text("op")?, print: text("print")?, answer: stored.get("answer")?.clone() })
    }

    fn to_document(&self) -> Document {
        doc! { "op": &self.kind, "print": &self.print, "answer": self.answer.clone() }
    }
}

impl Done {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Already => "already",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects() -> Vec<Effect> {
        let on = || "users".to_owned();
        vec![
            Effect::CreateIndexes { on: on(), specs: vec![doc! { "key": { "a": 1 }, "name": "a_1", "unique": true }] },
            Effect::CreateIndexes { on: on(), specs: vec![doc! { "name": "a_1" }, doc! { "name": "b_1" }] },
            Effect::DropIndex { on: on(), name: "a_1".to_owned() },
            Effect::DropIndexes { on: on() },
            Effect::CreateCollection { name: on(), options: doc! { "validator": { "a": { "$gt": 1 } } } },
            Effect::CreateView { name: on(), on: "people".to_owned(), pipeline: vec![doc! { "$match": {} }] },
            Effect::Modify { on: on(), fields: doc! { "validationLevel": "off" } },
            Effect::Drop { name: on() },
            Effect::Rename { from: on(), to: "people".to_owned(), replacing: false },
            Effect::Rename { from: on(), to: "people".to_owned(), replacing: true },
        ]
    }

    #[test]
    fn a_log_survives_a_round_trip() {
        let results = [Some(Done::Now), Some(Done::Already), None];
        let before = doc! { "uuid": null };
        let entries = effects().into_iter().zip(results.into_iter().cycle());
        let entries = entries.map(|(effect, result)| Entry::new(effect, before.clone(), result)).collect();
        let log = Log { entries, ..Log::new(Direction::Down, "t1:0") };
        assert_eq!(Log::parse(&log.to_document()), Some(log));
    }

    #[test]
    fn a_log_of_another_version_is_rejected() {
        let log = Log::new(Direction::Up, "t1:0").to_document();
        let with =
            |field: &str, value: Bson| log.clone().into_iter().chain([(field.to_owned(), value)]).collect::<Document>();
        assert!(Log::parse(&log).is_some());
        for (field, value) in [
            ("phase", 1.into()),
            ("direction", "sideways".into()),
            ("ops", vec![doc! { "op": "paint", "on": "users", "print": "f1:0" }].into()),
        ] {
            assert_eq!(Log::parse(&with(field, value)), None, "{field}");
        }
    }

    #[test]
    fn fingerprints_of_different_effects_differ() {
        let prints: std::collections::HashSet<_> = effects().iter().map(Effect::print).collect();
        assert_eq!(prints.len(), effects().len());
        assert!(prints.iter().all(|print| print.len() == 19));
        // Fingerprints are stored, so they must not change.
        assert_eq!(Effect::Drop { name: "orders_old".to_owned() }.print(), "f1:13ad1ac90f9c2bd9");
        let order =
            |key: Document| Effect::CreateIndexes { on: "users".to_owned(), specs: vec![doc! { "key": key }] }.print();
        assert_ne!(order(doc! { "a": 1, "b": 1 }), order(doc! { "b": 1, "a": 1 }));
    }
}
