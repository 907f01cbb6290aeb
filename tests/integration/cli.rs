//! The command line, as a process.

mod completions;
mod credentials;
mod effects;
mod exit_codes;
mod graph;
mod json;
mod knobs;
mod mounted;
mod new;
mod progress;
mod shell;
mod terminal;
mod texts;
mod transcript;
