//! The tests of the page and its API alone.

#[path = "integration/http/mod.rs"]
mod http;
#[path = "integration/logs.rs"]
mod logs;
