//! One program, so that one server serves all tests.

mod faults;
mod fleet;
mod harness;
mod mongod;
mod order;
