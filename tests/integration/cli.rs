//! The command line, as a process.

mod knobs;
mod mounted;
mod progress;
mod shell;
mod terminal;
