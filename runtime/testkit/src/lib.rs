//! Tests against a real MongoDB server, without a container.
//!
//! Add this crate to the `[dev-dependencies]`. [`mongod::Mongod::start`] finds or downloads a mongod, starts it as a replica
//! set on a free port, and removes it together with its data at the end of the test:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use mongrate_testkit::mongod::Mongod;
//!
//! let server = Mongod::start().await?;
//! let db = server.client().await?.database("test");
//! # Ok(()) }
//! ```
//!
//! The crate is empty on Windows.

#[cfg(unix)]
pub mod mongod;
