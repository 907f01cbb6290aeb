//! A simulation of lease, fence, commit and `Schema` operations against an in-memory server, under tokio's paused clock.
//!
//! A [`Schedule`](schedule::Schedule) is a value: the processes, their work, and the faults of their server calls.
//! proptest generates and shrinks it. The code between the calls is the real code; the server is a simulated primary.

mod memory;
mod process;
mod schedule;
mod script;
mod server;
mod session;
mod tests;
mod world;
