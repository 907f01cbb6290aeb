//! The command line, as a process.

mod credentials;
mod exit_codes;
mod knobs;
mod mounted;
mod texts;
mod transcript;
