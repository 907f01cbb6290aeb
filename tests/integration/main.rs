//! One program, so that one server serves all tests.

mod fleet;
mod harness;
mod mongod;
mod order;
