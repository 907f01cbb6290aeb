//! The command line, as a process.

mod graph;
mod mounted;
