//! One program, so that one server serves all tests.

mod harness;
mod mongod;
mod up;
