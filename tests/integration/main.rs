//! One program, so that one server serves all tests.

mod faults;
mod harness;
mod mongod;
mod up;
