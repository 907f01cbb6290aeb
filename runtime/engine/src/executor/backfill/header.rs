//! The part of a record that describes a backfill that has not completed.

use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};

use super::range::{Range, RangeId, RangeState};
use super::steering::Steering;
use crate::context::Description;
use crate::migration::Direction;

/// The most sweeps of an attempt. One that finds nothing is the last.
pub(super) const SWEEPS: i64 = 3;

/// How many numbers after those of the planned ranges are reserved for sweeps. What was skipped has far larger ones.
pub(super) const RESERVED: i64 = 1 << 32;

/// The field `backfill` of a record. Whoever has the run can find its ranges.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) run: ObjectId,
    pub(crate) direction: Direction,
    /// Identifies the change that the body described.
    pub(crate) print: String,
    /// The name of the collection in the database.
    pub(crate) collection: String,
    /// The collection's UUID.
    pub(crate) uuid: Bson,
    /// Number of ranges.
    pub(crate) ranges: i64,
    /// Number of documents when it was planned, as estimated by the server.
    pub(crate) documents: u64,
    pub(crate) started: DateTime,
    /// What a person has set since. Written by [`Tracker::steer_backfill`](crate::store::Tracker).
    pub(crate) steering: Steering,
}

impl Header {
    pub(crate) fn to_document(&self) -> Document {
        doc! {
            "run": self.run,
            "direction": self.direction.to_string(),
            "print": &self.print,
            "collection": &self.collection,
            "uuid": self.uuid.clone(),
            "ranges": self.ranges,
            "documents": i64::try_from(self.documents).unwrap_or(i64::MAX),
            "started": self.started,
        }
    }

    /// Returns `None` for a document that Mongrate did not write.
    pub(crate) fn read(stored: &Document) -> Option<Self> {
        let text = |field: &str| stored.get_str(field).ok().map(str::to_owned);
        Some(Self {
            run: stored.get_object_id("run").ok()?,
            direction: if stored.get_str("direction").ok()? == "down" { Direction::Down } else { Direction::Up },
            print: text("print")?,
            collection: text("collection")?,
            uuid: stored.get("uuid")?.clone(),
            ranges: stored.get_i64("ranges").ok()?,
            documents: u64::try_from(stored.get_i64("documents").ok()?).ok()?,
            started: *stored.get_datetime("started").ok()?,
            steering: stored.get_document("steering").map(Steering::read).unwrap_or_default(),
        })
    }

    /// Returns whether a range is a sweep.
    pub(crate) fn is_sweep(&self, id: RangeId) -> bool {
        (self.ranges..self.ranges + RESERVED).contains(&id.n)
    }

    /// Returns the ranges without the sweeps. A sweep begins when all planned ones are done, and passes what was inserted before the
    /// first and behind the last, too, which then belongs to these.
    pub(super) fn without_sweeps(&self, ranges: Vec<Range>) -> Vec<Range> {
        let (sweeps, mut others): (Vec<_>, Vec<_>) = ranges.into_iter().partition(|range| self.is_sweep(range.id));
        let planned = others.iter().take_while(|range| range.id.n < self.ranges).count();
        let is_done = |sweep: &Range| sweep.state == RangeState::Done && sweep.from != Bson::Null;
        for sweep in sweeps.into_iter().filter(is_done) {
            if let [first, ..] = &mut others[..planned] {
                first.from = sweep.from;
            }
            if let [.., last] = &mut others[..planned] {
                (last.next, last.end) = (sweep.next, sweep.end);
            }
        }
        others
    }

    /// Returns whether a description is the one that was planned.
    pub(crate) fn describes(&self, description: &Description) -> bool {
        self.print == description.print()
    }
}
