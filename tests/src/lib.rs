//! What the integration tests share: real servers, a database for each test, faults to inject, and processes to kill.

mod background;
mod commands;
pub mod crash;
mod db;
mod eventually;
mod fail_point;
mod proxy;
pub mod servers;
mod worker;

pub use commands::{Commands, server_commands};
pub use db::TestDb;
pub use eventually::{eventually, eventually_within};
pub use fail_point::FailPoint;
pub use proxy::{Lost, Proxy, Strike};
pub use worker::Worker;
