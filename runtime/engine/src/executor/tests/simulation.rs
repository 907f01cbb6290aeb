//! The lease, the fence, the commit and the operations of `Schema` against a server in memory, under tokio's paused clock.
//!
//! A [`Schedule`](schedule::Schedule) is a value: how many processes, what they have to do, and what happens to which of their server calls.
//! It is drawn and shrunk by proptest. What runs between the calls is the code that runs in earnest; what answers them is a
//! primary that keeps everything in memory.

mod memory;
mod process;
mod schedule;
mod script;
mod server;
mod session;
mod tests;
mod world;
