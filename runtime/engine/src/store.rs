//! Access to the stored records and history.

mod durable;
mod kind;
mod tracker;

pub(crate) use self::durable::{durable_database, primary, write_concern};
pub(crate) use self::kind::unsuitable;
pub use self::tracker::Statistics;
pub(crate) use self::tracker::{
    Attached, Attachment, Change, Expected, LogUpdate, Query, Records, Tracker, WorkedOn, Written, now,
};
