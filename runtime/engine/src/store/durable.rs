//! The options of every database handle, whatever the connection string sets.
//!
//! Reads are majority reads from the primary, which a fail-over cannot undo. Writes are acknowledged by a majority and journaled,
//! so that they survive a crash of the server and a fail-over.

use mongodb::options::{Acknowledgment, DatabaseOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use mongodb::{Client, Database};

/// Returns a database handle with these options, which its collections inherit.
pub(crate) fn durable_database(client: &Client, name: &str) -> Database {
    let options = DatabaseOptions::builder()
        .selection_criteria(primary())
        .read_concern(ReadConcern::majority())
        .write_concern(write_concern())
        .build();
    client.database_with_options(name, options)
}

pub(crate) fn primary() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::Primary)
}

pub(crate) fn write_concern() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build()
}
