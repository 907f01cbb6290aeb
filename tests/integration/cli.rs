//! The command line, as a process.

mod credentials;
mod effects;
mod exit_codes;
mod json;
mod knobs;
mod mounted;
mod texts;
mod transcript;
