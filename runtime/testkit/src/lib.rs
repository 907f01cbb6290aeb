//! Support for testing migrations against a real MongoDB server: [`mongod`] starts one, without a container.

#[cfg(unix)]
pub mod mongod;
