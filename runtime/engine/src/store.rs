//! Reads and writes what is stored; nothing else does.

mod durable;
mod tracker;

pub(crate) use self::durable::{durable_database, primary, write_concern};
pub use self::tracker::Statistics;
pub(crate) use self::tracker::{Attached, Beside, Change, Expected, LogUpdate, Query, Records, Tracker, Written, now};
