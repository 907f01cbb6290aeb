//! The command line, as a process.

mod completions;
mod mounted;
mod new;
