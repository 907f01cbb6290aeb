//! One program, so that one server serves all tests.

mod access;
mod amend;
mod boot;
mod commands;
mod down;
mod drift;
mod dry_run;
mod failure;
#[path = "../faults/suite.rs"]
mod faults;
mod fleet;
mod foreign;
mod guide;
mod harness;
mod health;
mod history;
mod linking;
mod lock;
mod logs;
mod misbehaviour;
mod module;
mod mongod;
mod order;
mod plugin;
mod records;
mod require;
mod running;
mod schema;
mod standalone;
mod tenants;
mod threads;
mod timeout;
mod tx;
mod unlock;
mod validate;
mod verify;
