//! Shared code of the integration tests: real servers, a database for each test, fault injection, and processes to
//! kill.
#![allow(clippy::missing_panics_doc, reason = "a helper that cannot do its part fails the test: all of them panic")]

pub mod adopted;
mod background;
pub mod chaos;
mod commands;
pub mod crash;
mod db;
pub mod drawn;
pub mod dropped;
mod eventually;
mod fail_point;
pub mod fleet;
mod gate;
#[cfg(doctest)]
mod guide;
pub mod http;
pub mod my_app;
mod proxy;
pub mod sabotage;
mod scratch;
pub mod servers;
pub mod stored;
pub mod terminal;
mod test_list;
pub mod under_way;
mod worker;

pub use commands::{Commands, server_commands};
pub use db::TestDb;
pub use eventually::{eventually, eventually_within};
pub use fail_point::FailPoint;
pub use gate::Gate;
pub use my_app::{MyApp, Ran, Running};
pub use proxy::{Lost, Proxy, Strike};
pub use scratch::Scratch;
pub use terminal::Terminal;
pub use test_list::all_tests;
pub use worker::Worker;
