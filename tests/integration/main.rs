//! One program, so that one server serves all tests.

mod access;
mod boot;
mod commands;
mod drift;
mod failure;
mod faults;
mod fleet;
mod foreign;
mod harness;
mod health;
mod linking;
mod lock;
mod logs;
mod misbehaviour;
mod mongod;
mod order;
mod plugin;
mod records;
mod require;
mod schema;
mod standalone;
mod tenants;
mod threads;
mod timeout;
mod tx;
