//! The log that `-v` asks for.

use std::io;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry};

/// Writes what the library tells through `tracing` to stderr, unless the application has a subscriber of its own.
pub(super) fn to_stderr(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(console::colors_enabled_stderr());
    let log = registry().with(lines.with_filter(Targets::new().with_target("mongrate", level)));
    // An error says that there is one already, and that is right.
    drop(log.try_init());
}
