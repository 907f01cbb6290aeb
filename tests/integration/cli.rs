//! The command line, as a process.

mod credentials;
mod exit_codes;
mod graph;
mod knobs;
mod mounted;
mod progress;
mod shell;
mod terminal;
mod texts;
mod transcript;
