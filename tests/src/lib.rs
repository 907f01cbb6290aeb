//! What the integration tests share: real servers, a database for each test, faults to inject, and processes to kill.

mod background;
mod commands;
mod db;
mod eventually;
mod fail_point;
pub mod fleet;
pub mod servers;
pub mod stored;
mod worker;

pub use commands::{Commands, server_commands};
pub use db::TestDb;
pub use eventually::{eventually, eventually_within};
pub use fail_point::FailPoint;
pub use worker::Worker;
