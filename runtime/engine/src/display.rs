//! Values formatted for people.

mod count;
mod elapsed;
mod excerpt;
mod extended_json;
pub mod graph;
mod redacted;

pub use self::count::{Count, plural};
pub use self::elapsed::Elapsed;
pub(crate) use self::excerpt::{shorten, shorten_causes, shorten_document, shorten_message, shorten_value, truncated};
pub use self::extended_json::{Base64, Json, JsonDocument, iso_8601};
pub use self::redacted::{HIDDEN, is_address, redacted};
