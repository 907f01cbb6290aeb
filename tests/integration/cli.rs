//! The command line, as a process.

mod exit_codes;
mod knobs;
mod mounted;
