//! The options of every handle that this crate uses or hands to a body, whatever the connection string says.
//!
//! State is read with majority from the primary, so that what a fail-over could still undo is not believed, and written
//! with majority and journal, so that it survives the server's crash and a fail-over.

use mongodb::options::{Acknowledgment, DatabaseOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use mongodb::{Client, Database};

/// A database as this crate uses it; its collections have the same options.
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
