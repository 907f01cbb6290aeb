//! The command line, as a process.

mod backfill;
mod check;
mod completions;
mod credentials;
mod effects;
mod exit_codes;
mod graph;
mod guarded;
mod hostile;
mod json;
mod knobs;
mod lock_file;
mod mounted;
mod new;
mod places;
mod progress;
mod shell;
mod signals;
mod terminal;
pub(crate) mod texts;
mod transcript;
