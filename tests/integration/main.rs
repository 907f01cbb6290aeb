//! One program, so that one server serves all tests.

mod access;
mod commands;
mod drift;
mod failure;
mod faults;
mod fleet;
mod foreign;
mod harness;
mod linking;
mod lock;
mod logs;
mod misbehaviour;
mod model;
mod mongod;
mod order;
mod plugin;
mod records;
mod schema;
mod standalone;
mod threads;
mod timeout;
mod tx;
