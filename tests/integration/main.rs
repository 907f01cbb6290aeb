//! One program, so that one server serves all tests.

mod commands;
mod drift;
mod failure;
mod fleet;
mod foreign;
mod harness;
mod lock;
mod misbehaviour;
mod mongod;
mod order;
mod plugin;
mod schema;
mod standalone;
mod threads;
mod timeout;
mod tx;
